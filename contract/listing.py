"""What a contract has on record, in rows: its records, its licences, the items of the menu. Pure."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Literal

from msgspec import Struct

from contract.days import day_of
from contract.licences import licences
from contract.records import Book
from model.contract_record import ContractRecord, ItemName, LicenceRecord
from model.terms import Capability
from model.text import Text


class LicenceRow(Struct, frozen=True):
    """A licence on record, with its days as far as its product is designated; `rejected` where it does not count."""

    record: int
    product: str
    first_day: date
    last_day: date
    checked_on: date
    evidence: str
    state: Literal["valid", "lapsed", "to come", "rejected", "waiting"]


class ItemRow(Struct, frozen=True):
    """An item of the menu that governs a day: what it gives, and whether the contract has it."""

    item: ItemName
    kind: Literal["base", "option"]
    text: Text
    has: bool
    capabilities: list[Capability]


def licence_rows(book: Book, at: datetime) -> Iterator[LicenceRow]:
    """Yield the licences on record as they are at an instant, in the order of their records."""
    counted = {one.record: one for one in licences(book.records, book.terms.products)}
    waiting = {one.number for one in book.waiting}
    for one in book.every:
        if not isinstance(one.what, LicenceRecord):
            continue
        what, counts, day = one.what, counted.get(one.number), day_of(at)
        state: Literal["valid", "lapsed", "to come", "rejected", "waiting"] = "rejected"
        if one.number in waiting:
            state = "waiting"
        elif counts:
            state = "to come" if day < counts.first_day else "lapsed" if day > counts.last_day else "valid"
        first, last = (counts.first_day, counts.last_day) if counts else (what.first_day, what.last_day)
        yield LicenceRow(one.number, what.product, first, last, what.checked_on, _evidence(one), state)


def item_rows(book: Book, at: datetime) -> Iterator[ItemRow]:
    """Yield the items of the menu that governs an instant, the base items first."""
    has = book.state(at).items
    items = sorted(book.menu(at).items.items(), key=lambda named: (named[1].kind, named[0]))
    for name, item in items:
        yield ItemRow(name, item.kind, item.text, name in has, item.capabilities)


def _evidence(one: ContractRecord) -> str:
    return one.evidence.file if one.evidence else ""
