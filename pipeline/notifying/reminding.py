"""The provider's people are reminded of what a contract asks of them: each thing once, in each channel."""

from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from contract.reminders import Reminder, due
from model.canonical import digest
from model.tenant import Channel
from model.text import Text
from notifier.message import Notice
from pipeline.notifying.attempts import attempt
from pipeline.secrets import secret
from pipeline.tenants.applied import book_of
from pipeline.tenants.gate import ask
from pipeline.tenants.provided import provider_name
from pipeline.world import World
from store.rows import Fence
from store.tenant import TenantStore


class Reminded(Struct, frozen=True):
    """How much was due and not yet said, how often it was said, and what kept it from being said."""

    due: int = 0
    sent: int = 0
    problems: tuple[str, ...] = ()


class Office(Struct, frozen=True):
    """One tenant's contract for those who look after it: its store, and who holds the job by which lease."""

    tenant: str
    name: Text
    store: TenantStore
    person: str
    fence: Fence


def remind(world: World, office: Office) -> Reminded:
    """Say what is due of a tenant's contract in each channel of the provider's people where it was not said before.

    What does not arrive is due again. Raises `Refused` where the contract's records do not hold.
    """
    return remind_of(world, office, due(book_of(office.store), world.clock.now()))


def remind_of(world: World, office: Office, found: Sequence[Reminder]) -> Reminded:
    """Say what was `found` for an office in each channel of the world's staff where it was not said before."""
    with office.store.read() as reader:
        said = reader.reminders.said()
    to = world.staff().channels
    if not to:
        problem = ("installation.yaml names no contract_channels",) if found else ()
        return Reminded(len(found), 0, problem)
    wanted = [(one, channel) for one in found for channel in to if (one.id, channel.name) not in said]
    problems = [problem for problem in _send_all(world, office, wanted) if problem]
    return Reminded(len({one.id for one, _ in wanted}), len(wanted) - len(problems), tuple(sorted({*problems})))


def _send_all(world: World, office: Office, wanted: list[tuple[Reminder, Channel]]) -> Iterator[str]:
    """Send each, and yield why one did not arrive, the empty text where it did."""
    ways = replace(world.ways, secret=secret, border=world.staff().border)
    for one, channel in wanted:
        ask(office.store, office.tenant, "notice", world.clock.now())
        provider = provider_name(office.store, world.clock.now(), world.service_providers())
        key = digest(office.tenant, one.id, channel.name)
        notice = Notice(key, office.tenant, office.name, one.text, one.clause, world.now, channel.language, provider)
        outcome = attempt(notice, channel, ways)
        if outcome.result == "sent":
            with office.store.observe(world.now, office.person, office.fence) as writer:
                writer.reminders.add(one.id, channel.name, world.now)
        yield "" if outcome.result == "sent" else f"{channel.name}: {outcome.problem}"
