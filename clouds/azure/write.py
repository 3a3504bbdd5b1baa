"""The wire to Azure Resource Manager for changes, with its asynchronous operations."""

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import azure.core.exceptions
from azure.core.rest import HttpRequest

from clouds.azure.clients import Clients
from clouds.azure.read import code_of
from clouds.call_failed import CallFailed
from clouds.requests_faults import was_not_sent
from clouds.rest_write import Lost, NotSent, Reply, document, headers
from model.call import Call

_ACCEPTED, _SUCCEEDED = 202, "succeeded"
_FAILED = frozenset({"failed", "canceled"})


class AzureWire:
    """Sends as one identity of Entra ID; what it answers 201 or 202 to is followed to its end.

    Azure Resource Manager, «Track asynchronous Azure operations»: the header Azure-AsyncOperation names a status,
    Location of a place that answers 202 as long as it goes on.
    """

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def transmit(self, call: Call) -> Reply:
        """Send one request once."""
        query = f"?{urlencode(call.args['query'])}" if call.args.get("query") else ""
        url = self._clients.arm_url + call.args["path"] + query
        request = HttpRequest(call.op, url, headers=headers(call), content=document(call))
        try:
            response: Any = self._clients.resource_manager.send_request(request)
            content = response.read()
        except azure.core.exceptions.ClientAuthenticationError as problem:
            raise CallFailed(f"sign-in {type(problem).__name__}") from None
        except (azure.core.exceptions.AzureError, OSError) as problem:
            # The SDK's «ServiceRequestError» is also what becomes of a connection that broke after the sending.
            not_sent = was_not_sent(getattr(problem, "inner_exception", None))
            raise (NotSent if not_sent else Lost)(type(problem).__name__) from None
        return Reply(response.status_code, {k.lower(): v for k, v in response.headers.items()}, content)

    def code(self, reply: Reply) -> str:
        """Return the error's code (Azure REST guidelines, `error.code`)."""
        return code_of(reply)

    def next_look(self, asked: Call, reply: Reply) -> Call | None:
        """Return where to ask how far an operation is."""
        if "azure-asyncoperation" in reply.headers and asked.op != "GET":
            return _at(reply.headers["azure-asyncoperation"])
        status = str(reply.body.get("status") or "").lower() if asked.op == "GET" else ""
        if status in _FAILED:
            raise CallFailed(code_of(reply) or status)
        if reply.status == _ACCEPTED:
            return _at(reply.headers["location"]) if "location" in reply.headers else asked
        return asked if status and status != _SUCCEEDED else None

    def close(self) -> None:
        """Close the connections."""
        self._clients.resource_manager.close()


def _at(link: str) -> Call:
    """Return a question at a link's path: never at another host than ours, which gets our token."""
    parts = urlsplit(link)
    return Call("management", "GET", {"path": parts.path, "query": dict(parse_qsl(parts.query))})
