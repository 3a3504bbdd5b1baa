"""What is asked about one thing is found by an index, and is what reading everything would have found."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import Connection, create_engine, event, select

from model.canonical import encode
from model.finding import Fact, advance
from model.order import Order
from model.plan import Plan, Vote
from model.text import Text
from store import schema
from store.plans import FINISHED, GRANTED, PROPOSED, STARTED, VOTED, WITHDRAWN, Plans
from store.reader import Reader
from store.rows import Run, Selection
from store.writer import Writer
from tests.filled import asset, verdict

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
    "resources of a kind": (lambda r: list(r.current_assets(["a"])), "INDEX asset_kind (kind=?)"),
    "a resource": (lambda r: r.asset("a"), "INDEX asset_current (uid=?)"),
    "a resource that is gone": (lambda r: r.asset("a"), "INDEX asset_past (uid=?)"),
    "a resource as it was": (lambda r: r.asset("a", AT), "INDEX asset_past (uid=?)"),
    "findings that people know": (lambda r: r.notified_active(["a"]), "INDEX fact_finding (finding=?)"),
    "findings as of a moment": (
        lambda r: r.selected_findings(Selection({}, at=AT)),
        "INDEX fact_finding (finding=?)",
    ),
    "the last run": (lambda r: r.last_run(), "INDEX run_finished (finished_at>?)"),
    "the last run by a moment": (lambda r: r.last_run(AT), "INDEX run_finished (finished_at>? AND finished_at<?)"),
    "runs after others": (lambda r: r.runs((AT, "a"), 9), "INDEX run_started (started_at<?)"),
    "plans after others": (lambda r: r.plans.newest(9, (AT, "a")), "INDEX plan_created (created_at<?)"),
    "records of an action": (lambda r: r.recorded("tenant.applied"), "INDEX audit_subject (action=?)"),
}


@pytest.mark.parametrize(("ask", "index"), ASKED.values(), ids=ASKED)
def test_what_is_asked_about_one_thing_is_found_by_an_index(
    memory: Connection, ask: Callable[[Reader], object], index: str
) -> None:
    found = steps(memory, ask)
    assert [step for step in found if step.startswith("SCAN")] == []
    assert any(step.startswith("SEARCH") and step.endswith(index) for step in found), found


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


@settings(deadline=None)
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


FACTS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["open", "resolved"]), st.integers(0, 4)), max_size=12
)


def day(number: int) -> str:
    """Return a moment before `AT`, when the findings became what they are."""
    return f"2026-05-0{number + 1}T00:00:00.000000Z"


@settings(deadline=None)  # the first example compiles the statements
@given(known=FACTS, by=st.integers(0, 4))
def test_findings_as_of_a_moment_are_as_their_last_facts_by_then(
    memory: Connection, known: list[tuple[str, Any, int]], by: int
) -> None:
    writer = Writer(memory)
    for table in (schema.fact, schema.finding):
        memory.execute(table.delete())
    template, _ = advance(None, verdict(0), AT)
    assert template is not None
    writer.put_findings(replace(template, uid=uid) for uid in "abc")
    facts = [Fact(uid, became, day(at)) for uid, became, at in known]
    writer.put_facts(facts, "run")
    last = {fact.finding: fact.became for fact in facts if fact.at <= day(by)}
    found = writer.selected_findings(Selection({}, at=day(by), all_states=True))
    assert [(one.uid, one.state) for one in found] == sorted(last.items())
    after = writer.selected_findings(Selection({}, at=day(by), after="a", limit=1))
    assert [one.uid for one in after] == sorted(uid for uid in last if uid > "a" and last[uid] == "open")[:1]


@settings(deadline=None)
@given(moments=st.lists(st.integers(0, 3), max_size=9), limit=st.integers(1, 3))
def test_pages_together_are_everything_newest_first(memory: Connection, moments: list[int], limit: int) -> None:
    writer = Writer(memory)
    for table in (schema.run, schema.plan):
        memory.execute(table.delete())
    begun = [(f"2026-06-01T00:00:00.00000{moment}Z", f"{number}") for number, moment in enumerate(moments)]
    for at, id_ in begun:
        writer.start_run(Run(id_, "scan", id_, at, "", {}))
        writer.plans.add(replace(plan(id_), created_at=at))
    runs, plans = list[tuple[str, str]](), list[tuple[str, str]]()
    while page := writer.runs(runs[-1] if runs else None, limit):
        runs += [(run.started_at, run.id) for run in page]
    while ours := writer.plans.newest(limit, plans[-1] if plans else None):
        plans += [(one.created_at, one.id) for one in ours]
    assert runs == sorted(begun, reverse=True)
    assert plans == sorted(sorted(begun, key=lambda one: one[1]), key=lambda one: one[0], reverse=True)


STATES = st.lists(st.sampled_from(["a", "b", "gone"]), max_size=6)


@settings(deadline=None)
@given(states=STATES)
def test_a_resource_is_shown_as_the_last_of_its_rows_that_held(memory: Connection, states: list[str]) -> None:
    writer, known = Writer(memory), asset(0)
    memory.execute(schema.asset.delete())
    for number, state in enumerate(states):
        if state == "gone":
            writer.end_assets([known.uid], day(number))
        else:
            writer.put_assets([replace(known, body_hash=state)], day(number))
    rows = list(memory.execute(select(schema.asset).order_by(schema.asset.c.id)))
    for at in ("", *map(day, range(len(states)))):
        held = [row for row in rows if not at or row.valid_from <= at < (row.valid_to or AT)]
        found = writer.asset(known.uid, at)
        assert [found and found.valid_from] == ([row.valid_from for row in held] or [None])[-1:]
