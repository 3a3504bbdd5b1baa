"""What the audit records imply of the rows beside them: whoever edits a row without a record leaves a difference."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, select

from model.log_stage import RECORDED
from model.person import Person, machine_name
from model.plan import ENDED
from model.suppression import Suppression
from store import schema
from store.people import People
from store.reader import Reader

# What a step may become after its end, without a run of its own plan.
_LATER = frozenset({"reverted", "undone"})

Recorded = list[tuple[str, str, str, str, dict[str, Any]]]


def tenant_fault(connection: Connection) -> str:
    """Return the first row of a tenant's store that differs from what its records imply, the empty text for none."""
    return next(_tenant_faults(Reader(connection), _records(connection, schema.audit)), "")


def service_fault(connection: Connection) -> str:
    """Return the first person, stop or token of the service's store that its records do not imply, else the empty text.

    For stores of before records had the digests of rows (`store/vouching.py`): what is not recorded is not compared.
    """
    return next(_service_faults(connection, _records(connection, schema.service_audit)), "")


def _records(connection: Connection, table: Any) -> Recorded:
    columns = (table.c.action, table.c.subject, table.c.person, table.c.at, table.c.detail)
    rows = connection.execute(select(*columns).order_by(table.c.seq))
    return [(*row[:4], msgspec.json.decode(row.detail)) for row in rows]


def _service_faults(connection: Connection, recorded: Recorded) -> Iterator[str]:
    yield from _people(People(connection), recorded)
    yield from _halts(connection, recorded)
    yield from _tokens(connection, recorded)


def _tokens(connection: Connection, recorded: Recorded) -> Iterator[str]:
    """Yield the tokens that hold, and were not issued so by the records."""
    issued = {
        detail["token"]: (subject, detail) for action, subject, *_, detail in recorded if action == "token.issued"
    }
    ended = {id_ for action, *_, detail in recorded if action == "token.revoked" for id_ in detail["tokens"]}
    for token in People(connection).holding_tokens():
        subject, detail = issued.get(token.id, ("", {}))
        now = {**msgspec.to_builtins(token), "tenants": list(token.tenants) if token.tenants != "all" else "all"}
        same = all(now[name] == value for name, value in detail.items() if name in now)
        if subject not in (token.person, machine_name(token)) or not same or token.id in ended:
            yield f"the token {token.id} was added or changed without a record"


def _halts(connection: Connection, recorded: Recorded) -> Iterator[str]:
    """Yield the tenants of whom the records say something else than the rows: whether changes are stopped."""
    stopped = dict[str, bool]()
    for action, subject, *_ in recorded:
        if action in ("changes.halted", "changes.resumed"):
            stopped["" if subject == "all" else subject] = action == "changes.halted"
    rows = connection.execute(select(schema.halt.c.tenant).where(schema.halt.c.lifted_at == "")).scalars()
    for tenant in sorted({name for name, holds in stopped.items() if holds} ^ set(rows)):
        yield f"the stop of changes of {tenant or 'all tenants'} was made or lifted without a record"


def _tenant_faults(reader: Reader, recorded: Recorded) -> Iterator[str]:
    yield from _exceptions(reader, recorded)
    yield from _steps(reader, recorded)
    yield from filter(None, [stages_fault(reader)])
    yield from filter(None, [findings_fault(reader)])


def _exceptions(reader: Reader, recorded: Recorded) -> Iterator[str]:
    granted: dict[str, Suppression] = {}
    for action, subject, person, at, detail in recorded:
        if action == "exception.granted":
            granted[subject] = Suppression(subject, **{"author": person, "created_at": at, **detail})
        elif action == "exception.withdrawn" and subject in granted:
            granted[subject] = replace(granted[subject], withdrawn_at=at)
    there = {one.id: one for one in reader.suppressions()}
    yield from _differing("the exception", granted, there, ("created_at",))


def _people(people: People, recorded: Recorded) -> Iterator[str]:
    implied: dict[str, Person] = {}
    for action, subject, _, at, detail in recorded:
        if action == "person.added":
            issuer = str(detail.get("issuer", ""))
            implied[subject] = Person(subject, "", "ja", tuple(detail["roles"]), _tenants(detail), at, issuer)
        elif action == "person.changed" and subject in implied:
            known = implied[subject]
            roles = tuple(detail.get("roles", known.roles))
            implied[subject] = replace(known, roles=roles, tenants=_tenants({"tenants": known.tenants} | detail))
        elif action == "person.disabled" and subject in implied:
            implied[subject] = replace(implied[subject], disabled_at=implied[subject].disabled_at or at)
        elif action == "person.removed":
            implied.pop(subject, None)
    ended = {subject for action, subject, *_ in recorded if action == "person.disabled"}
    there = {one.id: one for one in people.all() if not (one.disabled_at and one.id in ended)}
    implied = {id_: one for id_, one in implied.items() if not one.disabled_at or id_ in there}
    apart = ("name", "language", "created_at", "subject", "disabled_at")
    yield from _differing("the person", implied, there, apart)
    for id_ in sorted(implied.keys() & there.keys()):  # the moments were not always the same
        if bool(implied[id_].disabled_at) != bool(there[id_].disabled_at):
            yield f"the person {id_} was changed without a record: disabled_at"


def _tenants(detail: Mapping[str, Any]) -> Any:
    return "all" if detail["tenants"] == "all" else tuple(detail["tenants"])


def _differing(
    what: str, implied: Mapping[str, Any], there: Mapping[str, Any], apart: tuple[str, ...]
) -> Iterator[str]:
    """Yield `what` differs between things that are implied and those that are there; fields `apart` may differ."""
    for id_ in sorted(implied.keys() | there.keys()):
        if id_ not in there:
            yield f"{what} {id_} was removed without a record"
        elif id_ not in implied:
            yield f"{what} {id_} was added without a record"
        else:
            names = (name for name in there[id_].__struct_fields__ if name not in apart)
            if name := next((n for n in names if getattr(there[id_], n) != getattr(implied[id_], n)), ""):
                yield f"{what} {id_} was changed without a record: {name}"


def _steps(reader: Reader, recorded: Recorded) -> Iterator[str]:
    for plan_id in dict.fromkeys(subject for action, subject, *_ in recorded if action == "plan.worked"):
        plan, worked = reader.plans.one(plan_id), reader.plans.worked(plan_id)
        if plan is None:
            yield f"the plan {plan_id} was removed"
            continue
        names = {step.target.uid: step.target.resource for step in plan.steps}
        now = {names.get(uid, uid): done.state for uid, done in reader.plans.progress(plan_id).items()}
        for resource, state in worked.items():
            if state in ENDED and now.get(resource) not in {state, *_LATER}:
                yield f"the plan {plan_id} has another state at {resource} than was recorded"


def stages_fault(reader: Reader) -> str:
    """Return which change of stage, or case of one, is not as it was recorded; the empty text where all are."""
    implied = {detail["id"]: detail["row"] for detail in reader.recorded(RECORDED)}
    there = {row.id: row.digest for row in reader.stages.all()}
    wrong = next((id_ for id_ in sorted(implied.keys() | there.keys()) if implied.get(id_) != there.get(id_)), "")
    return f"the case or change of stage {wrong} is not the one that was recorded" if wrong else ""


def findings_fault(reader: Reader) -> str:
    """Return that findings differ from what was recorded of them last, the empty text where they do not.

    Nothing is said while a scan is under way, or was broken off: the next whole one records what it leaves.
    """
    digest = reader.recorded_digest()
    if not digest or digest == reader.findings_digest():
        return ""
    return "findings were changed without a record since the last scan, exception or change"
