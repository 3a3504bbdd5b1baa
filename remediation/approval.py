"""May a plan be carried out? A pure decision on its votes; each vote is bound to the plan's hash."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

from model.canonical import instant, parse_instant
from model.order import Order
from model.person import HOST, SCHEDULE
from model.plan import Plan, Vote

WITHOUT_VOTE = timedelta(hours=72)  # then a plan is denied by itself
APPROVED_FOR = timedelta(hours=72)  # what was approved is begun within this time, or approved anew

StandingState = Literal["proposed", "approved", "denied", "expired"]


class Standing(Struct, frozen=True):
    """Where a plan stands, and why; `missing` is how many more persons have to agree, and whether a customer's."""

    state: StandingState
    reason: str = ""
    missing: int = 0
    customer_missing: bool = False
    until: str = ""


class Circumstances(Struct, frozen=True):
    """What holds at the moment of a decision, whatever held when the votes were cast.

    `approvers` are the persons who may approve now, each with the side on which they stand; `grantors` those who may
    grant standing orders. `customer` states whether the contract asks for one of the customer's.
    """

    now: datetime
    approvers: Mapping[str, str] = {}
    grantors: Collection[str] = frozenset()
    customer: bool = False


def stand(plan: Plan, votes: Sequence[Vote], orders: Sequence[Order], under: Circumstances) -> Standing:
    """Return where a plan stands by its votes under these circumstances; `orders` are the tenant's standing ones."""
    counted = [vote for vote in _counted(plan, votes) if under.approvers.get(vote.person) == vote.side or not vote.yes]
    if no := next((vote for vote in counted if not vote.yes), None):
        return Standing("denied", f"{no.person} rejected it" + (f": {no.reason}" if no.reason else ""))
    if any(covers(order, plan, under) for order in orders):
        return Standing("approved", "by a standing order", until=instant(_ends(plan)))
    staff = [vote for vote in counted if vote.side == "staff"]
    customers = [vote for vote in counted if vote.side == "customer"]
    missing = max(0, max(1, plan.approvals) - len(staff))  # whatever a plan says, nothing is done on nobody's word
    customer_missing = (plan.customer or under.customer) and not customers
    if missing or customer_missing:
        if under.now >= _ends(plan):
            return Standing("denied", "72 hours passed without the votes that it needs")
        return Standing("proposed", "", missing, customer_missing, instant(_ends(plan)))
    last = parse_instant(max(vote.at for vote in counted))
    if under.now >= last + APPROVED_FOR:
        return Standing("expired", "72 hours passed since it was approved")
    return Standing("approved", until=instant(last + APPROVED_FOR))


def _ends(plan: Plan) -> datetime:
    return parse_instant(plan.created_at) + WITHOUT_VOTE


def covers(order: Order, plan: Plan, under: Circumstances) -> bool:
    """Return whether a standing order is the approval of a plan that was made on it, under these circumstances."""
    within = all(order.scope in ("", step.target.scope) for step in plan.steps)
    alone = plan.approvals == 1 and not plan.reasons and not plan.undoes and not (plan.customer or under.customer)
    mine = plan.order == order.id and order.playbook == plan.playbook
    return mine and within and alone and order.author in under.grantors and order.holds(instant(under.now))


def why_no_vote(plan: Plan, votes: Sequence[Vote], vote: Vote) -> str:
    """Return why a vote on a plan does not count beside the votes that there are, the empty text where it does."""
    if vote.person in (HOST.name, SCHEDULE) or "@" in vote.person:
        return f"{vote.person} is nobody who has signed in (`hinomi login`)"
    if vote.hash != plan.hash:
        return f"the plan's hash is {plan.hash[:12]}, not {vote.hash[:12]}: it was another plan that you saw"
    if vote.yes and vote.person == plan.author:
        return f"{vote.person} has made the plan; somebody else has to approve it"
    if vote.yes and vote.person == plan.requester:
        return f"the plan was made for {vote.person}; somebody else has to approve it"
    if parse_instant(vote.at) < parse_instant(plan.created_at):
        return "the vote is of before the plan was made"
    if any(said.person == vote.person and said.hash == plan.hash and not said.withdrawn_at for said in votes):
        return f"{vote.person} has voted already"
    if parse_instant(vote.at) >= _ends(plan):
        return "72 hours passed since the plan was made"
    return ""


def _counted(plan: Plan, votes: Sequence[Vote]) -> list[Vote]:
    """Return the votes that count, whatever else stands in the record."""
    counted: list[Vote] = []
    for vote in votes:
        if vote.plan == plan.id and not vote.withdrawn_at and not why_no_vote(plan, counted, vote):
            counted.append(vote)
    return counted
