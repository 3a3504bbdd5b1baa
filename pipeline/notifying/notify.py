"""Facts become alerts and deliveries in one transaction, deliveries go out one by one: nothing is queued twice."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from detectors.service.texts import FIXES, TITLES
from model.alert import Delivery
from model.canonical import instant
from model.fault import Refused
from model.finding import CATEGORIES, Category
from model.text import Text
from notifier import stages
from notifier.message import Message, Outcome, never
from notifier.stages import Context, Wording
from pipeline.notifying.alone import Alone
from pipeline.notifying.attempts import attempt
from pipeline.policies.texts import texts
from pipeline.scanning.reverts import with_note
from pipeline.tenants.gate import decided
from pipeline.tenants.provided import provider_name
from pipeline.world import Task, World
from store.tenant import TenantStore

_MOST_ATTEMPTS = 12
_LONGEST_PAUSE_SECONDS = 6 * 3600
_BY_ANOTHER = "another process notifies people of the tenant now"
_PUT_OFF = "put off, because the channel could not be reached"


class Notified(Struct, frozen=True):
    """What people were notified of: new alerts, deliveries that were due by state, dropped facts by reason.

    Deliveries that were not even tried, because another of their channel had just been in vain, are `put off`. `waits`
    says why the contract lets nothing be sent now, the empty text where it does.
    """

    alerts: int
    deliveries: dict[str, int]
    dropped: dict[str, int]
    problems: list[str]
    waits: str = ""


class _Leave(Struct, frozen=True):
    """Why people are not notified now, the empty text where they are; and whose name the notifications carry."""

    refused: str = ""
    provider: Text | None = None


def notify(world: World, task: Task, patience_seconds: float = 10.0, of: Collection[Category] = CATEGORIES) -> Notified:
    """Turn a tenant's facts into alerts, then send what is due; wait a little for what fails and leave the rest queued.

    A little are `patience_seconds`. Facts are those of findings of these categories (`of`). The task's store has the
    facts and keeps the deliveries, its catalog has the texts; the world has the ways out. Who notifies people of the
    tenant is alone by a lease; whoever does not get it in time leaves everything to the other.
    """
    alone, deadline = Alone(world, task.store, task.person), world.clock.now() + timedelta(seconds=patience_seconds)
    if not alone.comes(deadline):
        return Notified(0, {}, {}, [_BY_ANOTHER])
    try:
        task = replace(task, fence=world.home.take(f"tell:{task.tenant.tenant}", ""))
        alerts, dropped = _queue(world, task, of)
        return replace(_deliver(world, task, alone, instant(deadline)), alerts=alerts, dropped=dropped)
    finally:
        alone.ends()


def _deliver(world: World, task: Task, alone: Alone, deadline: str) -> Notified:
    """Send what is due until a moment; return what became of it."""
    handled: dict[str, Delivery] = {}
    while not (leave := _leave(world, task)).refused and (waiting := _waiting(task.store, deadline)):
        due = [delivery for delivery in waiting if delivery.due_at <= world.now]
        handled |= {after.key: after for after in _send_all(world, task, alone, due)}
        if not due:
            world.clock.sleep(0.2)
    count = Counter("put off" if d.problem == _PUT_OFF else d.state for d in handled.values())
    problems = {f"{d.channel}: {d.problem}" for d in handled.values() if d.problem} | ({leave.refused} - {""})
    return Notified(0, dict(count), {}, sorted(problems), leave.refused)


def _leave(world: World, task: Task) -> _Leave:
    """Return whether people are notified now, and in whose name: what is queued waits until then.

    So it does where the contract is with a provider that the installation's file does not know: a notification under
    no name or another's would be wrong, and it is sent as soon as the file is right.
    """
    now = world.clock.now()
    decision = decided(task.store, "notify", now)
    if not decision.allowed:
        return _Leave(f"nothing is sent: {decision.reason.en} (Article {decision.clause})")
    try:
        return _Leave(provider=provider_name(task.store, now, world.service_providers()))
    except Refused as refused:
        return _Leave(f"nothing is sent: {refused}")


def _waiting(store: TenantStore, until: str) -> list[Delivery]:
    with store.read() as reader:
        return reader.deliveries("queued", until)


def _queue(world: World, task: Task, of: Collection[Category]) -> tuple[int, dict[str, int]]:
    """Write alerts, deliveries and drops for all facts of some categories, in one transaction."""
    at, tenant = world.now, task.tenant
    with task.store.read() as reader:
        wordings = {id_: Wording(form.title, form.fix) for id_, form in texts(task.catalog.judging, reader).items()}
    wordings |= {id_: Wording(title, FIXES[id_]) for id_, title in TITLES.items()}
    with task.store.observe(at, task.person, task.fence) as writer:
        found = [one for one in writer.unnotified() if one.finding.category in of]
        news = [replace(one, finding=with_note(writer, one.finding, at)) for one in found]
        notified = writer.notified_active({one.fact.finding for one in news})
        flow = stages.run(news, Context(tenant.tenant, tenant.channels, wordings, notified, at))
        for alert, facts in flow.alerts:
            queued = [delivery for delivery in flow.deliveries if delivery.alert == alert.id]
            writer.put_alert(alert, at, queued)
            writer.settle_facts(facts, alert.id)
        for reason, facts in flow.dropped:
            writer.drop_facts(facts, reason)
    return len(flow.alerts), {reason: len(facts) for reason, facts in flow.dropped}


def _send_all(world: World, task: Task, alone: Alone, due: Sequence[Delivery]) -> Iterator[Delivery]:
    """Try each delivery once; where one does not reach its channel, its others wait until that one is due again.

    A server that hangs costs one wait, not one for each. The one tried longest goes first, so that the pauses grow.
    Once the contract does not allow it any more, or somebody else has come, the rest is left as it is.
    """
    due_again: dict[str, str] = {}
    for delivery in sorted(due, key=lambda one: -one.attempts):
        if (leave := _leave(world, task)).refused or not alone.goes_on():
            return
        if at := due_again.get(delivery.channel):
            after = replace(delivery, due_at=at, problem=_PUT_OFF)
        else:
            outcome = _outcome(world, task, delivery, leave.provider)
            now = world.clock.now()
            after = _after(delivery, outcome, now)
            if outcome.is_unreachable:
                due_again[delivery.channel] = _due_again(after.attempts, now)
        with task.store.observe(world.now, task.person, task.fence) as writer:
            writer.put_delivery(after)
        yield after


def _outcome(world: World, task: Task, delivery: Delivery, provider: Text | None) -> Outcome:
    with task.store.read() as reader:
        alert = reader.alerts([delivery.alert])[delivery.alert]
    channel = next((channel for channel in task.tenant.channels if channel.name == delivery.channel), None)
    border = world.bounds(task.tenant).border
    ways = replace(world.ways, secret=lambda reference: world.secrets(task.tenant).value(reference), border=border)
    if channel is None:
        return never("the channel is no longer in the tenant's file")
    return attempt(Message(delivery.key, alert, channel.language, provider), channel, ways)


def _after(delivery: Delivery, outcome: Outcome, now: datetime) -> Delivery:
    tried = replace(delivery, attempts=delivery.attempts + 1, problem=outcome.problem)
    if outcome.result == "sent":
        return replace(tried, state="sent", sent_at=instant(now))
    if outcome.result == "never" or tried.attempts >= _MOST_ATTEMPTS:
        return replace(tried, state="failed")
    return replace(tried, due_at=_due_again(tried.attempts, now))


def _due_again(attempts: int, now: datetime) -> str:
    return instant(now + timedelta(seconds=min(_LONGEST_PAUSE_SECONDS, 2.0**attempts)))
