"""The default service account of a namespace: its token is not handed out to pods that do not ask."""

from collections.abc import Mapping, Sequence
from typing import Any

from model.asset import Asset
from model.call import Call, WriteCloud
from model.plan import State
from model.text import Text
from remediation.playbook import Body, Faults, Playbook, found

_FIELD = "automountServiceAccountToken"


class NoAutomount(Playbook):
    """Sets one field of a service account, if nobody has changed the object since it was read (resourceVersion)."""

    id = "kubernetes.core.no-automount"
    kind = "kubernetes.core.service-account"
    closes = ("kubernetes.core.default-account-hands-out-tokens",)
    needs = ("get serviceaccounts", "patch serviceaccounts")
    fields = (_FIELD,)
    title = Text(
        en="Do not hand out the default service account's token",
        ja="既定サービスアカウントのトークン自動マウントを無効にする",
    )
    risk = Text(
        en="Pods that call the API server by the default account cannot do so any more from their next start on.",
        ja="既定のサービスアカウントでAPIサーバーを呼び出しているPodは、次回起動時から呼び出せなくなる。",
    )

    def read(self, cloud: WriteCloud, asset: Asset) -> Body:
        """Get the object, with its version."""
        returned = found(cloud, Call("cluster", "GET", {"path": _path(asset)}))
        body = {_FIELD: returned[_FIELD]} if returned.get(_FIELD) is not None else {}
        return body | {"_version": returned["metadata"]["resourceVersion"]}

    def state(self, body: Mapping[str, Any]) -> State:
        """The field, where it is there."""
        return {name: body[name] for name in (_FIELD, "_version") if name in body}

    def want(self, before: State, faults: Faults) -> State:
        """False: absent means that it is handed out."""
        return {_FIELD: False}

    def write(self, asset: Asset, before: State, after: State) -> Sequence[Call]:
        """Patch the one field; null takes it away (RFC 7386)."""
        guard = {"metadata": {"resourceVersion": before["_version"]}} if "_version" in before else {}
        body = {_FIELD: after.get(_FIELD)} | guard
        args = {"path": _path(asset), "query": {"fieldValidation": "Strict"}, "body": body}
        return [Call("cluster", "PATCH", args | {"type": "application/merge-patch+json"})]


def _path(asset: Asset) -> str:
    """Return the object's path: what follows the cluster's uid in its id."""
    return "/" + asset.resource.removeprefix("kubernetes://").partition("/")[2]


PLAYBOOK = NoAutomount()
