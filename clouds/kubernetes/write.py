"""The wire to a Kubernetes cluster for changes: lightkube's connection, JSON merge patches (RFC 7386)."""

import httpx2
import msgspec
from lightkube.core.exceptions import ConfigError

from clouds.call_failed import CallFailed
from clouds.rest_write import Lost, NotSent, Reply, document, headers
from model.call import Call


class KubernetesWire:
    """Sends as whoever the kubeconfig names."""

    def __init__(self, client: httpx2.Client) -> None:
        self._client = client

    def transmit(self, call: Call) -> Reply:
        """Send one request once."""
        args = call.args
        try:
            reply = self._client.request(
                call.op, args["path"], params=args.get("query"), content=document(call), headers=headers(call)
            )
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as problem:
            raise NotSent(type(problem).__name__) from None
        except httpx2.HTTPError as problem:
            raise Lost(type(problem).__name__) from None
        except (ConfigError, OSError) as problem:  # the plug-in that makes tokens, or its file
            raise CallFailed(f"credentials ({type(problem).__name__})") from None
        return Reply(reply.status_code, {name.lower(): value for name, value in reply.headers.items()}, reply.content)

    def code(self, reply: Reply) -> str:
        """Return the Status's reason (API conventions, «Response Status Kind»)."""
        try:
            reason = reply.body.get("reason")
        except msgspec.DecodeError:
            return ""
        return reason if isinstance(reason, str) and reason.isalpha() else ""

    def next_look(self, _asked: Call, _reply: Reply) -> Call | None:
        """Return nothing: a write of the API server is done when it is answered."""
        return None

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
