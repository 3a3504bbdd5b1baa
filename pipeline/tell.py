"""Facts become alerts and deliveries in one transaction, deliveries go out one by one: nothing is queued twice."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from catalog.policies import Policy
from model.alert import Alert, Delivery
from model.canonical import instant
from model.clock import Clock
from model.fault import Refused
from model.tenant import Channel, Tenant
from notifier import channels, stages
from notifier.message import Message, Outcome, Ways, again, never
from notifier.stages import Context, Wording
from pipeline.own_policies import texts
from store.rows import Fence
from store.tenant import TenantStore

_MOST_ATTEMPTS = 12
_LONGEST_PAUSE_SECONDS = 6 * 3600


class Told(Struct, frozen=True):
    """What was told: new alerts, the deliveries that were tried by state, facts that were dropped by reason."""

    alerts: int
    deliveries: dict[str, int]
    dropped: dict[str, int]
    problems: list[str]


class Teller(Struct, frozen=True):
    """What telling needs of the world; the fence keeps a second teller of the same tenant from going on."""

    ways: Ways
    clock: Clock
    fence: Fence
    person: str
    patience_seconds: float = 10.0


def tell(store: TenantStore, tenant: Tenant, policies: Sequence[Policy], teller: Teller) -> Told:
    """Turn facts into alerts, then send what is due; wait a little for what fails and leave the rest queued."""
    clock = teller.clock
    alerts, dropped = _queue(store, tenant, policies, teller)
    deadline = instant(clock.now() + timedelta(seconds=teller.patience_seconds))
    tried: dict[str, Delivery] = {}
    while waiting := _waiting(store, deadline):
        due = [delivery for delivery in waiting if delivery.due_at <= instant(clock.now())]
        for delivery in due:
            tried[delivery.key] = _send(store, tenant, delivery, teller)
        if not due:
            clock.sleep(0.2)
    count: Counter[str] = Counter(delivery.state for delivery in tried.values())
    problems = {f"{d.channel}: {d.problem}" for d in tried.values() if d.problem}
    return Told(alerts, dict(count), dropped, sorted(problems))


def _waiting(store: TenantStore, until: str) -> list[Delivery]:
    with store.read() as reader:
        return reader.deliveries("queued", until)


def _queue(
    store: TenantStore, tenant: Tenant, policies: Sequence[Policy], teller: Teller
) -> tuple[int, dict[str, int]]:
    """Write alerts, deliveries and drops for all untold facts, in one transaction."""
    at = instant(teller.clock.now())
    with store.read() as reader:
        wordings = {id_: Wording(form.title, form.fix) for id_, form in texts(policies, reader).items()}
    with store.write(at, teller.person, teller.fence) as writer:
        news = writer.untold()
        told = writer.told_active({one.fact.finding for one in news})
        flow = stages.run(news, Context(tenant.tenant, tenant.channels, wordings, told, at))
        for alert, facts in flow.alerts:
            queued = [delivery for delivery in flow.deliveries if delivery.alert == alert.id]
            writer.put_alert(alert, at, queued)
            writer.settle_facts(facts, alert.id)
        for reason, facts in flow.dropped:
            writer.drop_facts(facts, reason)
    return len(flow.alerts), {reason: len(facts) for reason, facts in flow.dropped}


def _send(store: TenantStore, tenant: Tenant, delivery: Delivery, teller: Teller) -> Delivery:
    """Try a delivery once and write down what became of it."""
    with store.read() as reader:
        alert = reader.alerts([delivery.alert])[delivery.alert]
    channel = next((channel for channel in tenant.channels if channel.name == delivery.channel), None)
    after = _after(delivery, _attempt(delivery.key, alert, channel, teller.ways), teller.clock)
    with store.write(instant(teller.clock.now()), teller.person, teller.fence) as writer:
        writer.put_delivery(after)
    return after


def _attempt(key: str, alert: Alert, channel: Channel | None, ways: Ways) -> Outcome:
    if channel is None:
        return never("the channel is no longer in the tenant's file")
    try:
        way = channels.way(channel.type)
        settings = msgspec.convert(channel.settings, way.settings)
        return way.send(Message(key, alert, channel.language), settings, ways)
    except Refused as refused:  # a secret that cannot be read may be there next time
        return again(str(refused))
    except Exception as problem:  # noqa: BLE001 - one broken channel must not silence the others
        return again(type(problem).__name__)


def _after(delivery: Delivery, outcome: Outcome, clock: Clock) -> Delivery:
    attempts, now = delivery.attempts + 1, clock.now()
    if outcome.result == "sent":
        return replace(delivery, state="sent", attempts=attempts, sent_at=instant(now), problem=outcome.problem)
    if outcome.result == "never" or attempts >= _MOST_ATTEMPTS:
        return replace(delivery, state="failed", attempts=attempts, problem=outcome.problem)
    pause = timedelta(seconds=min(_LONGEST_PAUSE_SECONDS, 2.0**attempts))
    return replace(delivery, attempts=attempts, due_at=instant(now + pause), problem=outcome.problem)
