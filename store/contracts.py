"""A tenant's contract: its records, which are only ever added, each with an audit record of its digest."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from model.canonical import digest, encode
from model.contract_record import ContractRecord
from model.fault import Refused
from store import damage, schema

RECORDED = "contract.recorded"


class Contracts:
    """What can be asked about a tenant's contract, on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> list[ContractRecord]:
        """Return the records in the order of their numbers."""
        table = schema.contract_record
        query = select(table).order_by(table.c.number)
        return list(damage.each(self._connection, query, table, lambda row: _record(row.document)))

    def fault(self, recorded: Sequence[Mapping[str, Any]]) -> str:
        """Return which record is not as the audit chain has it (`recorded`), the empty text where all are."""
        known = {detail["number"]: detail["document"] for detail in recorded}
        table = schema.contract_record
        there = {row.number: digest(row.document) for row in self._connection.execute(select(table))}
        for number in sorted(known.keys() | there.keys()):
            if known.get(number) != there.get(number):
                return f"record {number} of its contract is not the one that was recorded"
        return ""


class ContractsWriter(Contracts):
    """What can be asked and added."""

    def add(self, records: Iterable[ContractRecord]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Add records; yield the number of each, and what the audit chain has to say of it.

        Raises `Refused` where somebody was faster.
        """
        for record in records:
            document = encode(record).decode()
            try:
                values = {"number": record.number, "document": document}
                self._connection.execute(schema.contract_record.insert().values(values))
            except IntegrityError:
                raise Refused("somebody else has recorded something meanwhile; look at the contract again") from None
            yield record.number, {"number": record.number, "document": digest(document)}


def _record(document: str) -> ContractRecord:
    return msgspec.json.decode(document, type=ContractRecord)
