"""People, what they sign in with, and their tokens, in the service's store."""

from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Row, select

from model.canonical import encode
from model.person import Person, Token
from store import damage, schema
from store.statements import insert
from store.vouching import PERSON, TOKEN, Written

T = TypeVar("T", Person, Token)

_LISTS = ("roles", "tenants")


class Lock(Struct, frozen=True):
    """What opens a local account: an argon2id hash and a sealed one-time-code secret.

    `totp_step` is the last thirty seconds whose code was used; `failures` counts since the last success.
    """

    password: str = ""
    totp: str = ""
    totp_step: int = 0
    failures: int = 0


class People:
    """What can be asked about people, on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> Iterator[Person]:
        """Yield everybody, by id."""
        query = select(schema.person).order_by(schema.person.c.id)
        yield from damage.each(self._connection, query, schema.person, _person)

    def one(self, id_: str) -> Person | None:
        """Return a person."""
        row = self._connection.execute(select(schema.person).where(schema.person.c.id == id_)).first()
        return damage.one(row, schema.person, _person) if row else None

    def with_subject(self, issuer: str, subject: str) -> Person | None:
        """Return the person of an account at an OpenID provider."""
        table = schema.person
        query = select(table).where(table.c.issuer == issuer, table.c.subject == subject)
        row = self._connection.execute(query).first()
        return damage.one(row, schema.person, _person) if row else None

    def lock(self, id_: str) -> Lock:
        """Return what opens a person's local account."""
        columns = [schema.person.c[name] for name in Lock.__struct_fields__]
        row = self._connection.execute(select(*columns).where(schema.person.c.id == id_)).one()
        return Lock(**row._mapping)

    def token(self, hash_: str) -> Token | None:
        """Return what is kept of a token, by its hash."""
        row = self._connection.execute(select(schema.token).where(schema.token.c.hash == hash_)).first()
        return damage.one(row, schema.token, _token) if row else None

    def token_named(self, id_: str) -> Token | None:
        """Return what is kept of a token, by its id."""
        row = self._connection.execute(select(schema.token).where(schema.token.c.id == id_)).first()
        return damage.one(row, schema.token, _token) if row else None

    def tokens(self, person: str) -> list[Token]:
        """Return a person's tokens, oldest first, also expired and revoked ones; a machine's is nobody's."""
        table = schema.token
        query = select(table).where(table.c.person == person).order_by(table.c.issued_at, table.c.id)
        return list(damage.each(self._connection, query, schema.token, _token))

    def holding_tokens(self) -> list[Token]:
        """Return all tokens that were not revoked, by id."""
        query = select(schema.token).where(schema.token.c.revoked_at == "").order_by(schema.token.c.id)
        return list(damage.each(self._connection, query, schema.token, _token))

    def machine_tokens(self) -> list[Token]:
        """Return the machines' tokens, by id, also expired and revoked ones."""
        table = schema.token
        machines = (table.c.person == "") & (table.c.kind == "machine")
        query = select(table).where(machines).order_by(table.c.id)
        return list(damage.each(self._connection, query, schema.token, _token))


class PeopleWriter(People):
    """What can be asked and changed about people."""

    def __init__(self, connection: Connection, written: Written) -> None:
        super().__init__(connection)
        self._written = written

    def put(self, person: Person) -> None:
        """Write a person, new or changed; what opens the account stays."""
        values = msgspec.structs.asdict(person)
        values |= {name: encode(values[name]).decode() for name in _LISTS}
        statement = insert(self._connection, schema.person).values(values | msgspec.structs.asdict(Lock()))
        self._connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))
        self._written.note(PERSON, person.id)

    def note_removed(self, id_: str) -> None:
        """Note that a person is not there any more, whoever removed them."""
        self._written.note(PERSON, id_)

    def put_lock(self, id_: str, lock: Lock) -> None:
        """Write what opens a person's local account."""
        values, before = msgspec.structs.asdict(lock), self.lock(id_)
        self._connection.execute(schema.person.update().where(schema.person.c.id == id_).values(values))
        if (before.password, before.totp) != (lock.password, lock.totp):
            self._written.note(PERSON, id_)

    def put_token(self, token: Token) -> None:
        """Write a new token."""
        values = msgspec.structs.asdict(token) | {"tenants": encode(token.tenants).decode()}
        self._connection.execute(schema.token.insert().values(values))
        self._written.note(TOKEN, token.id)

    def revoke(self, ids: list[str], at: str) -> list[str]:
        """Revoke tokens, with all that came from them; return the ids of those that were not revoked before."""
        table = schema.token
        wanted = (table.c.id.in_(ids) | table.c.parent.in_(ids)) & (table.c.revoked_at == "")
        found = list(self._connection.execute(select(table.c.id).where(wanted).order_by(table.c.id)).scalars())
        self._connection.execute(table.update().where(wanted).values(revoked_at=at))
        self._written.note(TOKEN, *found)
        return found


def _person(row: Row[Any]) -> Person:
    return _decoded(row, Person)


def _token(row: Row[Any]) -> Token:
    return _decoded(row, Token)


def _decoded(row: Row[Any], form: type[T]) -> T:
    values = {name: row._mapping[name] for name in form.__struct_fields__}
    values |= {name: msgspec.json.decode(values[name]) for name in _LISTS if name in values}
    return msgspec.convert(values, form)
