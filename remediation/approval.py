"""May a plan be carried out? A pure decision on its votes; each vote is bound to the plan's hash."""

from collections.abc import Sequence
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


def stand(plan: Plan, votes: Sequence[Vote], now: datetime, orders: Sequence[Order] = ()) -> Standing:
    """Return where a plan stands `now` by its votes; `orders` are the standing ones of its tenant."""
    counted = _counted(plan, votes)
    if no := next((vote for vote in counted if not vote.yes), None):
        return Standing("denied", f"{no.person} rejected it" + (f": {no.reason}" if no.reason else ""))
    if any(covers(order, plan, now) for order in orders):
        return Standing("approved", "by a standing order", until=instant(_ends(plan)))
    staff = [vote for vote in counted if vote.side == "staff"]
    customers = [vote for vote in counted if vote.side == "customer"]
    missing = max(0, max(1, plan.approvals) - len(staff))  # whatever a plan says, nothing is done on nobody's word
    customer_missing = plan.customer and not customers
    if missing or customer_missing:
        if now >= _ends(plan):
            return Standing("denied", "72 hours passed without the votes that it needs")
        return Standing("proposed", "", missing, customer_missing, instant(_ends(plan)))
    last = parse_instant(max(vote.at for vote in counted))
    if now >= last + APPROVED_FOR:
        return Standing("expired", "72 hours passed since it was approved")
    return Standing("approved", until=instant(last + APPROVED_FOR))


def _ends(plan: Plan) -> datetime:
    return parse_instant(plan.created_at) + WITHOUT_VOTE


def covers(order: Order, plan: Plan, now: datetime) -> bool:
    """Return whether a standing order is, `now`, the approval of a plan that was made on it."""
    within = all(order.scope in ("", step.target.scope) for step in plan.steps)
    alone = plan.approvals == 1 and not plan.reasons and not plan.customer and not plan.undoes
    return plan.order == order.id and order.playbook == plan.playbook and within and alone and order.holds(instant(now))


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
    if any(earlier.person == vote.person and earlier.hash == plan.hash for earlier in votes):
        return f"{vote.person} has voted already"
    if parse_instant(vote.at) >= _ends(plan):
        return "72 hours passed since the plan was made"
    return ""


def _counted(plan: Plan, votes: Sequence[Vote]) -> list[Vote]:
    """Return the votes that count, whatever else stands in the record."""
    counted: list[Vote] = []
    for vote in votes:
        if vote.plan == plan.id and not why_no_vote(plan, counted, vote):
            counted.append(vote)
    return counted
