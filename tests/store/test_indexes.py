"""What is asked about one thing is found by an index, and is what reading everything would have found."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, event

from model.canonical import encode
from model.order import Order
from model.plan import Plan, Vote
from model.text import Text
from store import schema
from store.plans import FINISHED, GRANTED, PROPOSED, STARTED, VOTED, WITHDRAWN, Plans
from store.reader import Reader

AT = "2026-06-01T00:00:00.000000Z"
ACTIONS = (PROPOSED, VOTED, STARTED, FINISHED, GRANTED, WITHDRAWN, "scan.started")
Records = list[tuple[str, str]]


def plan(id_: str) -> Plan:
    return Plan(id_, "aozora", "p", Text("p", "p"), Text("r", "r"), "ken", "ken", AT, (), (), 1)


@pytest.fixture(scope="module")
def memory() -> Iterator[Connection]:
    """Yield a connection to a tenant's tables in memory: SQLite says how it would find something."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        schema.tenant.create_all(connection)
        yield connection
    engine.dispose()


def steps(connection: Connection, ask: Callable[[Reader], object]) -> list[str]:
    """Return the steps by which SQLite finds what is asked of a reader: `SEARCH table USING …`, `SCAN table`, …"""
    asked: list[tuple[str, Any]] = []

    def notes(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", notes)
    try:
        ask(Reader(connection))
    finally:
        event.remove(connection, "before_cursor_execute", notes)
    assert asked
    return [
        row.detail
        for statement, parameters in asked
        for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
    ]


ASKED: dict[str, tuple[Callable[[Reader], object], str]] = {
    "the record of a plan": (lambda r: r.plans.fault(plan("a")), "INDEX audit_subject (action=? AND subject=?)"),
    "votes": (lambda r: r.plans.votes("a"), "INDEX audit_subject (action=? AND subject=?)"),
    "a start": (lambda r: r.plans.was_recorded(STARTED, "a"), "INDEX audit_subject (action=? AND subject=?)"),
    "plans under way": (lambda r: r.plans.underway(), "COVERING INDEX audit_subject (action=?)"),
    "orders": (lambda r: r.plans.orders(), "INDEX audit_subject (action=?)"),
    "records of an action": (lambda r: r.recorded("tenant.applied"), "INDEX audit_subject (action=?)"),
}


@pytest.mark.parametrize(("ask", "index"), ASKED.values(), ids=ASKED)
def test_what_is_asked_about_one_thing_is_found_by_an_index(
    memory: Connection, ask: Callable[[Reader], object], index: str
) -> None:
    found = [step for step in steps(memory, ask) if step.startswith(("SCAN", "SEARCH"))]
    assert found
    assert [step for step in found if not (step.startswith("SEARCH") and step.endswith(index))] == []


def detail(number: int, action: str, subject: str) -> object:
    """Return what a record says that makes it differ from the others of its kind."""
    match action:
        case "plan.proposed":
            return {"hash": plan(subject).hash}
        case "plan.voted":
            return Vote(subject, "h", "ken", "staff", True, AT, str(number))
        case "order.granted":
            return Order(subject, "p", "", "ken", str(number), AT, AT)
        case _:
            return {"at": f"{number:03}"}


def write(connection: Connection, records: Records) -> list[tuple[str, str, Any]]:
    """Put records into an empty chain; return them with their details."""
    every = [(action, subject, detail(number, action, subject)) for number, (action, subject) in enumerate(records)]
    connection.execute(schema.audit.delete())
    rest = {"at": AT, "person": "p", "previous": "", "hash": ""}
    for number, (action, subject, said) in enumerate(every, 1):
        row = {"seq": number, "action": action, "subject": subject, "detail": encode(said).decode()}
        connection.execute(schema.audit.insert().values(row | rest))
    return every


RECORDS = st.lists(st.tuples(st.sampled_from(ACTIONS), st.sampled_from("abc")), max_size=30)


@given(records=RECORDS)
def test_records_that_are_found_are_those_that_reading_all_would_find(memory: Connection, records: Records) -> None:
    every, plans = write(memory, records), Plans(memory)
    last = {subject: action for action, subject, _ in every if action in (STARTED, FINISHED)}
    assert plans.underway() == [subject for subject, action in last.items() if action == STARTED]
    ended = {subject: said["at"] for action, subject, said in every if action == WITHDRAWN}
    granted = [(subject, said.reason) for action, subject, said in every if action == GRANTED]
    found = [(order.id, order.reason, order.withdrawn_at) for order in plans.orders()]
    assert found == [(subject, reason, ended.get(subject, "")) for subject, reason in granted]
    for id_ in "abc":
        assert plans.votes(id_) == [said for action, subject, said in every if (action, subject) == (VOTED, id_)]
        assert (plans.fault(plan(id_)) == "") == (records.count((PROPOSED, id_)) == 1)
        assert plans.was_recorded(STARTED, id_) == ((STARTED, id_) in records)
