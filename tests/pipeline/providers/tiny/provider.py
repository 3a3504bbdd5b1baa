"""What the tiny cloud is to the program."""

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Self

from msgspec import Struct

from catalog.form import convert
from catalog.yaml_reader import Document
from collectors import type_files
from model.asset import Kind
from model.clock import Clock
from model.tenant import Tenant
from model.terms import Capability
from pipeline.providers.provider import (
    Check,
    CheckOption,
    Group,
    GroupOf,
    Members,
    Opening,
    Organisations,
    Provider,
    Scope,
    ScopeOf,
    TenantFile,
)

FOLDER = Path(__file__).parent


class BoxForm(Struct, frozen=True, forbid_unknown_fields=True):
    kind: str
    fields: list[str]


class BoxType(Struct, frozen=True):
    form: BoxForm
    document: Document
    kind: Kind
    transient: bool = False

    def narrowed(self, _fields: Iterable[str], /) -> Self:
        return self

    @property
    def name(self) -> str:
        return self.form.kind

    @property
    def always(self) -> frozenset[str]:
        return self.kind.always

    def withheld(self, _bought: Collection[Capability], /) -> frozenset[str]:
        return frozenset()

    def offered(self, _bought: Collection[Capability], /) -> Self:
        return self


def check(document: Document) -> BoxType:
    form = convert(document, BoxForm)
    return BoxType(form, document, Kind(form.kind, "tiny", frozenset(form.fields), frozenset(), frozenset()))


def _types(folder: Path | None, kinds: Iterable[str] | None) -> list[BoxType]:
    return type_files.load(folder or FOLDER / "types", "tiny", check, kinds)


def _opening() -> Opening:
    from tests.pipeline.providers.tiny import opening

    return opening


def _scopes(_tenant: Tenant, _external_id: str) -> Iterator[Scope]:
    yield ScopeOf("tiny", "north", None)


def _groups(_tenant: Tenant) -> Iterator[Group]:
    yield GroupOf("tiny", "street", None, ["west"])


def _members(_group: Group, _external_id: str, _clock: Clock) -> Members:
    return Members(["south", "west"])


PROVIDER = Provider(
    "tiny",
    types=_types,
    file=TenantFile(("tiny",), _scopes),
    opening=_opening,
    organisations=Organisations(_groups, _members, lambda _group, member, _id: ScopeOf("tiny", member, None)),
    check=Check("Judge one attic.", (CheckOption("attic", "only this attic", many=True),)),
)
