"""From facts to deliveries: stages in a row. Each is pure, and whatever is dropped has a named reason."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from model.alert import Alert, Delivery, Item, News
from model.canonical import digest
from model.finding import SEVERITIES, UNWATCHED, WITHDRAWN
from model.tenant import Channel
from model.text import Text


class Wording(Struct, frozen=True):
    """A policy's texts, as far as alerts need them."""

    title: Text
    fix: Text


class Context(Struct, frozen=True):
    """What the stages know beside the news: whom to notify, in which words, what they know already, and when it is."""

    tenant: str
    channels: Sequence[Channel]
    wordings: Mapping[str, Wording]
    notified_open: frozenset[str]
    at: str


class Flow(Struct, frozen=True):
    """What goes from stage to stage: news not yet handled, alerts made of the others, drops by reason."""

    news: tuple[News, ...]
    alerts: tuple[tuple[Alert, tuple[int, ...]], ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    dropped: tuple[tuple[str, tuple[int, ...]], ...] = ()


Stage = Callable[[Flow, Context], Flow]


def keep_latest(flow: Flow, _context: Context) -> Flow:
    """Keep of each finding's facts the last one: whoever is notified late reads how it is."""
    latest = {news.fact.finding: news.id for news in flow.news}
    kept = tuple(news for news in flow.news if latest[news.fact.finding] == news.id)
    return _drop(replace(flow, news=kept), flow, "superseded by a later fact")


def forget_blips(flow: Flow, context: Context) -> Flow:
    """Drop what was resolved before anybody was notified that it was open."""
    notified = context.notified_open
    kept = tuple(n for n in flow.news if n.fact.became != "resolved" or n.fact.finding in notified)
    return _drop(replace(flow, news=kept), flow, "resolved before anybody was told")


def forget_unwatched(flow: Flow, _context: Context) -> Flow:
    """Drop what is resolved only because the tenant's file has nobody look there any more: whoever wrote it knows."""
    kept = tuple(n for n in flow.news if n.fact.became != "resolved" or n.finding.resolved_because != UNWATCHED)
    return _drop(replace(flow, news=kept), flow, UNWATCHED)


def forget_suppressed(flow: Flow, _context: Context) -> Flow:
    """Drop what an exception suppresses: whoever granted it knows."""
    kept = tuple(n for n in flow.news if n.fact.became != "suppressed")
    return _drop(replace(flow, news=kept), flow, "suppressed by an exception")


def group(flow: Flow, context: Context) -> Flow:
    """Make one alert of all findings of a policy in a scope that became the same; categories are never mixed.

    What is resolved because its policy was withdrawn stands apart from what was remediated.
    """
    groups: dict[tuple[str, ...], list[News]] = defaultdict(list)
    for news in flow.news:
        finding = news.finding
        groups[finding.policy, news.fact.became, finding.scope, finding.category, _because(news)].append(news)
    alerts = tuple((_alert(members, context), tuple(n.id for n in members)) for _, members in sorted(groups.items()))
    return replace(flow, news=(), alerts=alerts)


def route(flow: Flow, context: Context) -> Flow:
    """Queue each alert for every channel that takes its severity; drop those that none takes."""
    deliveries = tuple(
        Delivery(digest(alert.id, channel.name), alert.id, channel.name, "queued", context.at)
        for alert, _ in flow.alerts
        for channel in context.channels
        if SEVERITIES.index(alert.severity) >= SEVERITIES.index(channel.severity)
    )
    taken = {delivery.alert for delivery in deliveries}
    kept = tuple((alert, ids) for alert, ids in flow.alerts if alert.id in taken)
    left = tuple(number for alert, ids in flow.alerts if alert.id not in taken for number in ids)
    dropped = (*flow.dropped, ("no channel takes the severity", left)) if left else flow.dropped
    return replace(flow, alerts=kept, deliveries=deliveries, dropped=dropped)


STAGES: tuple[Stage, ...] = (keep_latest, forget_blips, forget_unwatched, forget_suppressed, group, route)


def run(news: Sequence[News], context: Context, stages: Sequence[Stage] = STAGES) -> Flow:
    """Return what becomes of the news in a context, stage after stage of the stages.

    Every one of them is in exactly one alert or one drop.
    """
    flow = Flow(tuple(news))
    for stage in stages:
        flow = stage(flow, context)
    return flow


def _drop(after: Flow, before: Flow, reason: str) -> Flow:
    kept = {news.id for news in after.news}
    lost = tuple(news.id for news in before.news if news.id not in kept)
    return replace(after, dropped=(*after.dropped, (reason, lost))) if lost else after


def _because(news: News) -> str:
    """Return why a finding was resolved where people would take it for a remediation; the empty text for all else."""
    withdrawn = news.fact.became == "resolved" and news.finding.resolved_because == WITHDRAWN
    return WITHDRAWN if withdrawn else ""


def _without_texts(news: News) -> Wording:
    """Return what is said where nobody has a policy's texts, or has them no more."""
    policy, title = news.finding.policy, news.finding.message
    if _because(news):
        title = Text(en=f"Findings of the policy {policy}", ja=f"ポリシー{policy}の検出事項")
    return Wording(title, Text(en="", ja=""))


def _alert(members: Sequence[News], context: Context) -> Alert:
    first = members[0]
    policy = first.finding.policy
    wording = context.wordings.get(policy) or _without_texts(first)
    items = sorted((_item(news) for news in members), key=lambda item: (item.resource, item.region))
    return Alert(
        id=digest(context.tenant, policy, first.fact.became, first.finding.scope, sorted(n.id for n in members)),
        tenant=context.tenant,
        policy=policy,
        became=first.fact.became,
        scope=first.finding.scope,
        severity=max((n.finding.severity for n in members), key=SEVERITIES.index),
        title=wording.title,
        fix=wording.fix,
        at=max(news.fact.at for news in members),
        items=tuple(items),
        category=first.finding.category,
        because=_because(first),
    )


def _item(news: News) -> Item:
    finding = news.finding
    return Item(finding.uid, finding.resource, finding.name, finding.region, finding.message)
