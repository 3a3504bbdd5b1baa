"""The tiny cloud's client, which only this module knows."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from model.asset import Asset, Listing, Place
from model.call import WriteCloud
from model.canonical import digest
from model.clock import Clock
from model.fault import Refused
from pipeline.providers.provider import Scope
from tests.pipeline.providers.tiny.provider import BoxType

LOCKED = {"north": {"letters": True, "cash": False}, "south": {"shoes": False}, "west": {"toys": False}}


class BoxCollector(Struct, frozen=True):
    place: Place
    types: Sequence[BoxType]

    def collect(self) -> Iterator[Asset | Listing]:
        attic = self.place.scope
        for type_ in self.types:
            for name, locked in LOCKED[attic].items():
                body = {"locked": locked}
                yield Asset(type_.kind.name, name, name, attic, "global", body, digest(name, str(locked)))
            yield Listing(attic, type_.kind.name, "global")


def connect(scope: Scope, types: Sequence[BoxType], _clock: Clock) -> BoxCollector:
    return BoxCollector(Place(scope.id, scope.id, scope.id, "", ()), types)


def looks(asked: Mapping[str, Any], types: Sequence[BoxType], _clock: Clock) -> list[BoxCollector]:
    return [BoxCollector(Place(attic, attic, attic, "", ()), types) for attic in asked["attic"]]


def connect_write(scope: Scope, _needs: Sequence[str], _clock: Clock) -> WriteCloud:
    raise Refused(f"nothing can be changed in {scope.id}")
