"""Facts become alerts and deliveries in one transaction, deliveries go out one by one: nothing is queued twice."""

from collections import Counter
from collections.abc import Mapping, Sequence
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
from notifier import channels as channels_by_type
from notifier import stages
from notifier.message import Message, Outcome, Ways, again, never
from notifier.stages import Context, Wording
from store.tenant import TenantStore

_MOST_ATTEMPTS = 12
_LONGEST_PAUSE_SECONDS = 6 * 3600


class Told(Struct, frozen=True):
    """What was told: deliveries by state, and facts that were dropped by reason."""

    alerts: int
    deliveries: dict[str, int]
    dropped: dict[str, int]
    problems: list[str]


def tell(
    store: TenantStore,
    tenant: Tenant,
    policies: Sequence[Policy],
    ways: Ways,
    clock: Clock,
    patience_seconds: float = 10,
) -> Told:
    """Turn facts into alerts, then send what is due; wait a little for what fails and leave the rest queued."""
    alerts, dropped = _queue(store, tenant, policies, instant(clock.now()))
    deadline = clock.now() + timedelta(seconds=patience_seconds)
    while True:
        _send_due(store, tenant, ways, clock)
        with store.read() as reader:
            waiting = reader.deliveries("queued")
        if not waiting or waiting[0].due_at > instant(deadline):
            break
        clock.sleep(0.2)
    with store.read() as reader:
        deliveries = reader.deliveries()
    count: Counter[str] = Counter(delivery.state for delivery in deliveries)
    problems = sorted({f"{d.channel}: {d.problem}" for d in deliveries if d.problem and d.state != "sent"})
    return Told(alerts, dict(count), dropped, problems)


def _queue(store: TenantStore, tenant: Tenant, policies: Sequence[Policy], at: str) -> tuple[int, dict[str, int]]:
    """Write alerts, deliveries and drops for all untold facts, in one transaction."""
    wordings = {policy.id: Wording(policy.form.title, policy.form.fix) for policy in policies}
    with store.write(at, "operator@host") as writer:
        known = frozenset(item.finding for alert in writer.alerts().values() for item in alert.items)
        context = Context(tenant.tenant, tenant.channels, wordings, known, at)
        flow = stages.run(writer.untold(), context)
        for alert, facts in flow.alerts:
            queued = [delivery for delivery in flow.deliveries if delivery.alert == alert.id]
            writer.put_alert(alert, at, queued)
            writer.settle_facts(facts, alert.id)
        for reason, facts in flow.dropped:
            writer.settle_facts(facts, f"dropped: {reason}")
    return len(flow.alerts), {reason: len(facts) for reason, facts in flow.dropped}


def _send_due(store: TenantStore, tenant: Tenant, ways: Ways, clock: Clock) -> None:
    channels = {channel.name: channel for channel in tenant.channels}
    with store.read() as reader:
        due, alerts = reader.deliveries("queued", instant(clock.now())), reader.alerts()
    for delivery in due:
        outcome = _attempt(delivery, alerts, channels, ways)
        after = _after(delivery, outcome, clock)
        with store.write(instant(clock.now()), "operator@host") as writer:
            writer.put_delivery(after)


def _attempt(delivery: Delivery, alerts: Mapping[str, Alert], channels: Mapping[str, Channel], ways: Ways) -> Outcome:
    channel = channels.get(delivery.channel)
    if channel is None:
        return never("the channel is no longer in the tenant's file")
    try:
        way = channels_by_type.way(channel.type)
        message = Message(delivery.key, alerts[delivery.alert], channel.language)
        return way.send(message, msgspec.convert(channel.settings, way.settings), ways)
    except Refused as refused:  # a secret that cannot be read may be there next time
        return again(str(refused))


def _after(delivery: Delivery, outcome: Outcome, clock: Clock) -> Delivery:
    attempts, now = delivery.attempts + 1, clock.now()
    if outcome.result == "sent":
        return replace(delivery, state="sent", attempts=attempts, sent_at=instant(now), problem="")
    if outcome.result == "never" or attempts >= _MOST_ATTEMPTS:
        return replace(delivery, state="failed", attempts=attempts, problem=outcome.problem)
    pause = timedelta(seconds=min(_LONGEST_PAUSE_SECONDS, 2.0**attempts))
    return replace(delivery, attempts=attempts, due_at=instant(now + pause), problem=outcome.problem)
