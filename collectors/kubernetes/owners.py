"""Which objects were made by others that are judged in their place: a Deployment's ReplicaSets, and their pods."""

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from collectors.kubernetes.resource_types import ResourceType
from model.asset import Asset, Listing

Name = tuple[str, str, str]  # kind with its group, namespace, name


class _Maker(Struct, frozen=True):
    """What made an object, as the object says; `uid` distinguishes it from others by the same name."""

    name: Name
    uid: str

    def is_it(self, uid: str) -> bool:
        """Return whether it is the object of its name that has a uid; the API has one in each, manifests have none."""
        return not self.uid or not uid or self.uid == uid


def sorted_out(events: Iterable[Asset | Listing], types: Iterable[ResourceType]) -> Iterator[Asset | Listing]:
    """Yield events, the family left out of each asset that an object which was seen has made.

    An asset whose owner was not seen yet waits for it. Where it is not seen at all (deleted, not listed, another one by
    the same name), the asset comes at the end, with its family.
    """
    sorting = _Sorting()
    known = {type_.kind.name: type_ for type_ in types if type_.family}
    for event in events:
        type_ = known.get(event.kind) if isinstance(event, Asset) else None
        if isinstance(event, Asset) and type_ is not None:
            yield from sorting.of(event, type_)
        else:
            yield event
    yield from sorting.orphans()


class _Sorting:
    """The owners that were seen by name, and what waits for one."""

    def __init__(self) -> None:
        self._uids: dict[Name, str] = {}
        self._waiting: dict[Name, list[tuple[Asset, _Maker]]] = {}

    def of(self, asset: Asset, type_: ResourceType) -> Iterator[Asset]:
        """Yield what is decided now that an asset was seen."""
        metadata = asset.body["metadata"]
        name = (type_.said, metadata.get("namespace", ""), asset.name)
        self._uids[name] = str(metadata.get("uid", ""))
        for waiting, maker in self._waiting.pop(name, ()):
            yield self._decided(waiting, maker)
        made_by = _maker(metadata, type_)
        if made_by is None:
            yield asset
        elif made_by.name in self._uids:
            yield self._decided(asset, made_by)
        else:
            self._waiting.setdefault(made_by.name, []).append((asset, made_by))

    def orphans(self) -> Iterator[Asset]:
        """Yield what waits in vain."""
        for waiting in self._waiting.values():
            yield from (asset for asset, _ in waiting)

    def _decided(self, asset: Asset, maker: _Maker) -> Asset:
        return replace(asset, family="") if maker.is_it(self._uids[maker.name]) else asset


def _maker(metadata: dict[str, Any], type_: ResourceType) -> _Maker | None:
    """Return the controller that an object states, None where it is none that makes such objects."""
    owners = metadata.get("ownerReferences")
    for owner in owners if isinstance(owners, list) else ():
        if isinstance(owner, dict) and owner.get("controller") is True and (said := _said(owner)) in type_.form.made_by:
            name = (said, metadata.get("namespace", ""), str(owner.get("name", "")))
            return _Maker(name, str(owner.get("uid", "")))
    return None


def _said(owner: dict[str, Any]) -> str:
    """Return an owner's kind and group; whichever version it is said in, it is the same object."""
    group = str(owner.get("apiVersion", "")).rpartition("/")[0]
    return f"{group}/{owner.get('kind')}" if group else str(owner.get("kind"))
