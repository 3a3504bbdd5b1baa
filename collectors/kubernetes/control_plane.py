"""The control plane as its static pods state it: which flags each component was started with."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from clouds.call_failed import CallFailed
from collectors.counting import Excluded
from collectors.kubernetes.reading import GLOBAL, Maker, ReadObjects, named
from collectors.kubernetes.resource_types import ResourceType
from model.asset import Asset, Listing

Row = dict[str, Any]

_NAMESPACE = "kube-system"
_PODS = f"/api/v1/namespaces/{_NAMESPACE}/pods"
_LABELS = "tier=control-plane"
_ETCD = "ETCD_"
# Flags that are lists of names: said again, they grow (pflag, StringSlice).
_LISTS = frozenset(
    {
        "admission-control",
        "authorization-mode",
        "disable-admission-plugins",
        "enable-admission-plugins",
        "tls-cipher-suites",
    }
)


class ControlPlane:
    """The listing of the control plane's pods: of each component that is a type."""

    region = GLOBAL

    def __init__(self, client: ReadObjects, maker: Maker, types: Sequence[ResourceType]) -> None:
        self._client = client
        self._maker = maker
        self._types = {str(type_.form.component): type_ for type_ in types}
        self._asked = 0
        self._read = 0
        self._seen: set[str] = set()

    def rows(self) -> Iterator[Any]:
        """Yield the pods, and one asset without flags for each component that none of them is.

        Of those the provider runs the component, or it is no static pod: that can be said only where each pod could be
        read. Raises `CallFailed`, named by the permission.
        """
        try:
            yield from self._components()
        except CallFailed as failure:
            raise named(next(iter(self._types.values())), failure) from None

    def _components(self) -> Iterator[Any]:
        for page in self._client.pages(_PODS, labels=_LABELS):
            self._asked += len(page)
            yield from page
        for component in sorted(self._types.keys() - self._seen) if self._read == self._asked else ():
            metadata = {"name": component, "namespace": _NAMESPACE}
            yield self._maker.asset(self._types[component], {"metadata": metadata})

    def seen(self, row: Any) -> Asset:
        """Return the component that a pod is; raises `Excluded` for all others, and what an odd form raises."""
        if isinstance(row, Asset):
            return row
        component = component_of(row)
        if component in self._types:
            self._seen.add(component)
            made = self._maker.asset(self._types[component], row, {"flags": flags(row, component)})
        self._read += 1
        if component not in self._types:
            raise Excluded("no component of the control plane")
        return made

    def asset(self, seen: Asset) -> Asset:
        """Return the asset: all that there is to know of it stands in its listing."""
        return seen

    def ended(self, cause: str) -> Iterable[Listing]:
        """Return what there is to say of each component."""
        for type_ in self._types.values():
            yield self._maker.listing(type_, cause)

    def missed(self, seen: Asset, cause: str) -> Listing:
        """Return that a component could not be determined."""
        return next(self._maker.listing(type_, cause) for type_ in self._types.values() if type_.kind.name == seen.kind)


def component_of(pod: Row) -> str:
    """Return which component of the control plane a pod is, empty for all others: kubeadm's label says so.

    A static pod's mirror is owned by its node; a pod that anybody may make is none.
    """
    metadata = pod["metadata"]
    owners = metadata.get("ownerReferences") or []
    return str((metadata.get("labels") or {}).get("component", "")) if any(o["kind"] == "Node" for o in owners) else ""


def flags(pod: Row, component: str) -> dict[str, str]:
    """Return a component's flags by name, without their dashes and with `-` for `_`; `--name` alone means true.

    Both `--name=value` and `--name value` are taken, as the components' own parser (pflag) takes them. Of equal flags
    the last wins, but lists grow. etcd takes variables (ETCD_NAME) where there is no flag («Configuration options»).
    """
    own = _containers(pod, component)
    found = _variables(own) if component == "etcd" else {}
    words = [str(word) for container in own for key in ("command", "args") for word in container.get(key) or []]
    returned: dict[str, str] = {}
    for position, word in enumerate(words):
        if not word.startswith("-") or not word.strip("-"):
            continue
        name, equals, value = word.lstrip("-").partition("=")
        following = words[position + 1] if position + 1 < len(words) else "-"
        name = name.replace("_", "-")
        value = value if equals else "true" if following.startswith("-") else following
        returned[name] = f"{returned[name]},{value}" if name in _LISTS and name in returned else value
    return found | returned


def _containers(pod: Row, component: str) -> list[Row]:
    containers = (pod.get("spec") or {}).get("containers") or []
    return [c for c in containers if c.get("name") == component] or containers[:1]


def _variables(containers: list[Row]) -> dict[str, str]:
    pairs = [(str(v.get("name", "")), v.get("value")) for c in containers for v in c.get("env") or []]
    return {
        name.removeprefix(_ETCD).lower().replace("_", "-"): str(value)
        for name, value in pairs
        if name.startswith(_ETCD) and value is not None
    }
