"""Votes on plans, and whether one may be carried out: asked where it is acted on, from the stores as they are then."""

from datetime import timedelta
from functools import cache

import msgspec
from msgspec import Struct

from catalog import access as access_table
from catalog.folder import config_folder
from contract.access import may
from model.access import Access
from model.canonical import instant, parse_instant
from model.clock import Clock
from model.fault import Refused
from model.person import Actor, Person
from model.plan import Plan, Vote
from pipeline.changing.plans import plan_in, read_plan
from pipeline.tenants.applied import book_of
from pipeline.tenants.gate import ask
from remediation.approval import Circumstances, Standing, stand, why_no_vote
from store.home import Home
from store.implied import findings_fault
from store.plans import STARTED, VOTE_WITHDRAWN, VOTED
from store.reader import TIME_SET, Reader
from store.tenant import TenantStore

_MOST_AHEAD = timedelta(minutes=5)
_STANDING_ORDERS = "standing-orders"


class Permits(Struct, frozen=True):
    """States where a tenant's plans stand and whether they may be carried out, whenever it is asked.

    Nothing is remembered from one question to the next: people lose roles, contracts end, and rows are edited.
    """

    home: Home
    store: TenantStore
    tenant: str
    clock: Clock

    def standing(self, plan: Plan) -> Standing:
        """Return where a plan stands now."""
        with self.store.read() as reader:
            return self.standing_in(reader, plan)

    def standing_in(self, reader: Reader, plan: Plan) -> Standing:
        """Return where a plan stands by what a reader, or whoever writes, sees in the tenant's store."""
        return stand(plan, reader.plans.votes(plan.id), reader.plans.orders(), self.circumstances(reader))

    def circumstances(self, reader: Reader) -> Circumstances:
        """Return what holds now of time, people and contract.

        It is never earlier than what a reader of the tenant's store finds recorded: a clock that is set back makes no
        approval hold longer.
        """
        with self.home.service.read() as session:  # of people who are not as they were recorded no word counts
            people = [] if session.people_fault() else list(session.people.all())
        approvers = {one.id: _side(one) for one in people if _may(one, "plans.approve", self.tenant)}
        book = book_of(self.store)
        has_orders = _STANDING_ORDERS in book.bought(self.clock.now())
        grantors = {id_ for id_, side in approvers.items() if side == "staff" and has_orders}
        customer = book.customer_approves(self.clock.now())
        last = reader.last_instant()
        now = max(self.clock.now(), parse_instant(last)) if last else self.clock.now()
        return Circumstances(now, approvers, grantors, customer)

    def vote(self, ballot: Vote) -> Standing:
        """Record a person's ballot on a plan, and return where the plan stands then.

        Raises `Refused` where the ballot does not count, and nothing is recorded then.
        """
        plan = read_plan(self.store, ballot.plan)
        with self.store.write(ballot.at, ballot.person) as writer:
            self._refuse_wrong_clock(writer)
            before = self.standing_in(writer, plan)
            if before.state != "proposed":
                raise Refused(f"the plan {plan.id} is {_said(before)}")
            if why := why_no_vote(plan, writer.plans.votes(plan.id), ballot):
                raise Refused(why)
            writer.record(VOTED, plan.id, **msgspec.structs.asdict(ballot))
        return self.standing(plan)

    def withdraw_vote(self, id_: str, person: str) -> Standing:
        """Withdraw what a person has voted on a plan (`id_`), and return where the plan stands then.

        Raises `Refused` where they have not voted, and once the first thing was sent.
        """
        plan, at = read_plan(self.store, id_), instant(self.clock.now())
        with self.store.write(at, person) as writer:
            if writer.plans.was_recorded(STARTED, plan.id):
                raise Refused(f"the plan {plan.id} has begun; `hinomi changes halt {self.tenant}` stops it")
            votes = [one for one in writer.plans.votes(plan.id) if one.person == person and not one.withdrawn_at]
            if not votes:
                raise Refused(f"{person} has not voted on the plan {plan.id}")
            for one in votes:
                writer.record(VOTE_WITHDRAWN, plan.id, person=person, cast_at=one.at, at=at)
        return self.standing(plan)

    def check(self, id_: str) -> Plan:
        """Return a plan (`id_`) that may be carried out now.

        What we changed can be rolled back after the contract's term too. Raises `Refused` where the audit chain cannot
        be trusted, the plan is not as it was recorded or not approved, the contract forbids it, or changes are stopped.
        """
        with self.store.read_trusted() as reader:  # the votes are records of this chain
            plan = plan_in(reader, id_)
            self.ask(plan)
            self.refuse_unapproved(reader, plan)
            recorded = reader.recorded("tenant.applied")
            if fault := self.home.edition_fault(self.tenant, recorded, deciding=True):
                raise Refused(f"the file of {self.tenant} cannot be trusted: {fault}")
            if fault := findings_fault(reader):  # they say who the last administrator is
                raise Refused(f"{fault}; the next scan looks at everything anew")
        if why := why_stopped(self.home, self.tenant):
            raise Refused(why)
        return plan

    def ask(self, plan: Plan) -> None:
        """Make sure that the contract allows a plan to be carried out now; raises `NotEntitled` where it does not."""
        ask(self.store, self.tenant, "rollback" if plan.undoes else "change", self.clock.now())

    def _refuse_wrong_clock(self, reader: Reader) -> None:
        """Raise `Refused` where records are of moments that have not come yet by this machine's clock."""
        last = reader.last_instant()
        if last and parse_instant(last) > self.clock.now() + _MOST_AHEAD:
            raise Refused(
                f"this machine's clock is behind: {self.tenant} has a record of {last}; set it right, or, where it is "
                f"right and that record is not, `hinomi audit set-clock {self.tenant}`"
            )

    def refuse_unapproved(self, reader: Reader, plan: Plan) -> None:
        """Raise `Refused` unless a plan is approved by what a reader, or whoever writes, sees in the tenant's store."""
        self._refuse_wrong_clock(reader)
        stands = self.standing_in(reader, plan)
        if stands.state != "approved":
            raise Refused(f"the plan {plan.id} is {_said(stands)}")


def why_stopped(home: Home, tenant: str) -> str:
    """Return who has stopped a tenant's changes, or why that cannot be known; the empty text where nobody has."""
    with home.service.read() as session:
        if fault := session.stops_fault():
            return f"the service's records cannot be trusted: {fault}"
        halt = session.halts.holding(tenant)
    if halt is None:
        return ""
    whose = f"of {halt.tenant}" if halt.tenant else "of all tenants"
    return f"{halt.person} has stopped the changes {whose}: {halt.reason}"


def set_time(store: TenantStore, person: str, clock: Clock) -> None:
    """Record in the store that the clock is right, by a person who has looked: moments of before it count no more."""
    with store.write(instant(clock.now()), person) as writer:
        writer.record(TIME_SET, "clock", before=writer.last_instant())


def _said(standing: Standing) -> str:
    return standing.state + (f": {standing.reason}" if standing.reason else "")


@cache
def _table() -> Access:
    return access_table.load(config_folder())


def _may(person: Person, action: str, tenant: str) -> bool:
    return not person.disabled_at and may(_table(), Actor(person.id, person.roles, person.tenants), action, tenant)


def _side(person: Person) -> str:
    """Return the side on which a person stands, as everybody does on one."""
    return next((_table().roles[role].side for role in person.roles if role in _table().roles), "")
