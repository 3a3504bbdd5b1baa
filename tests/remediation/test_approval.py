"""Who may say yes to a plan, and for how long that holds."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from model.canonical import instant
from model.order import Order
from model.plan import Plan, Vote
from model.text import Text
from remediation.approval import Circumstances, stand, why_no_vote

START = datetime(2026, 6, 1, tzinfo=UTC)
PLAN = Plan(
    "p1", "aozora", "aws.s3.versioning", Text("t", "t"), Text("r", "r"), "aki", "emi", instant(START), (), (), 1
)
OTHER = replace(PLAN, created_at=instant(START + timedelta(seconds=1)))


STAFF = ("aki", "emi", "ken", "rin", "mio")
APPROVERS = {"hana": "customer"} | dict.fromkeys(STAFF, "staff")


def at(hours: float, **more: Any) -> Circumstances:
    return replace(Circumstances(START + timedelta(hours=hours), APPROVERS, frozenset(STAFF)), **more)


def said(
    person: str, *, yes: bool = True, plan: Plan = PLAN, hours: float = 1, side: str = "staff", **more: Any
) -> Vote:
    return Vote(plan.id, plan.hash, person, side, yes, instant(START + timedelta(hours=hours)), **more)


@pytest.mark.parametrize(
    ("plan", "votes", "hours", "state", "missing"),
    [
        (PLAN, [], 1, "proposed", 1),
        (PLAN, [], 72, "denied", 0),
        (PLAN, [said("ken")], 1, "approved", 0),
        (PLAN, [said("ken", hours=71)], 100, "approved", 0),
        (PLAN, [said("ken", hours=73)], 100, "denied", 0),
        (replace(PLAN, approvals=0), [], 1, "proposed", 1),
        (PLAN, [said("ken")], 73, "expired", 0),
        (PLAN, [said("aki")], 1, "proposed", 1),  # who made it
        (PLAN, [said("emi")], 1, "proposed", 1),  # who it was made for
        (PLAN, [said("operator@host")], 1, "proposed", 1),
        (PLAN, [said("schedule@service")], 1, "proposed", 1),
        (PLAN, [said("ken", plan=OTHER)], 1, "proposed", 1),  # of another hash
        (PLAN, [said("ken", yes=False, reason="not today")], 1, "denied", 0),
        (PLAN, [said("ken"), said("rin", yes=False)], 1, "denied", 0),
        (PLAN, [said("aki", yes=False)], 1, "denied", 0),  # whoever made it may withdraw it
        (replace(PLAN, approvals=2), [said("ken")], 1, "proposed", 1),
        (replace(PLAN, customer=True), [said("ken")], 1, "proposed", 0),
        (PLAN, [said("hana", side="customer")], 1, "proposed", 1),
    ],
)
def test_standing(plan: Plan, votes: list[Vote], hours: float, state: str, missing: int) -> None:
    votes = [replace(vote, hash=plan.hash) if vote.hash == PLAN.hash else vote for vote in votes]
    reported = stand(plan, votes, [], at(hours))
    assert (reported.state, reported.missing) == (state, missing)


def test_twice_by_the_same_person_is_once() -> None:
    plan = replace(PLAN, approvals=2)
    votes = [said("ken", plan=plan), said("ken", plan=plan, hours=2)]
    assert stand(plan, votes, [], at(3)).missing == 1
    assert why_no_vote(plan, votes[:1], votes[1]) == "ken has voted already"
    assert stand(plan, [votes[0], said("rin", plan=plan)], [], at(3)).state == "approved"


def test_the_customers_word_is_beside_the_staffs_not_instead() -> None:
    plan = replace(PLAN, customer=True)
    both = [said("hana", plan=plan, side="customer"), said("ken", plan=plan)]
    assert stand(plan, both, [], at(3)).state == "approved"
    assert stand(plan, both[:1], [], at(3)).missing == 1


GONE = {person: side for person, side in APPROVERS.items() if person != "ken"}


@pytest.mark.parametrize(
    ("plan", "votes", "under", "state"),
    [
        (PLAN, [said("ken")], at(1, approvers=GONE), "proposed"),  # disabled since, or without the role
        (PLAN, [said("ken")], at(1, approvers=GONE | {"ken": "customer"}), "proposed"),  # on the other side since
        (PLAN, [said("ken", yes=False)], at(1, approvers=GONE), "denied"),  # a no stays
        (PLAN, [said("ken")], at(1, customer=True), "proposed"),  # what the contract asks for now
        (PLAN, [said("ken"), said("hana", side="customer")], at(1, customer=True), "approved"),
        (PLAN, [said("ken", hours=-1)], at(1), "proposed"),  # before there was a plan
        (PLAN, [said("ken", withdrawn_at=instant(START))], at(1), "proposed"),
        (PLAN, [said("ken", withdrawn_at=instant(START)), said("ken", hours=2)], at(3), "approved"),
        (PLAN, [said("ken", yes=False, withdrawn_at=instant(START)), said("rin")], at(3), "approved"),
    ],
)
def test_what_counts_is_what_holds_now(plan: Plan, votes: list[Vote], under: Circumstances, state: str) -> None:
    assert stand(plan, votes, [], under).state == state


ORDER = Order("o1", PLAN.playbook, "", "ken", "agreed", instant(START), instant(START + timedelta(days=30)))


@pytest.mark.parametrize(
    ("order", "under", "state"),
    [
        (ORDER, at(1), "approved"),
        (ORDER, at(1, grantors=frozenset({"rin"})), "proposed"),  # whoever granted it may not any more
        (ORDER, at(1, customer=True), "proposed"),
        (replace(ORDER, withdrawn_at=instant(START)), at(1), "proposed"),
        (replace(ORDER, id="o2"), at(1), "proposed"),
        (replace(ORDER, playbook="aws.s3.block-public-access"), at(1), "proposed"),
    ],
)
def test_an_order_approves_only_what_is_made_on_it_and_while_it_holds(
    order: Order, under: Circumstances, state: str
) -> None:
    assert stand(replace(PLAN, order="o1"), [], [order], under).state == state


edits = st.sampled_from(
    [
        lambda plan: replace(plan, approvals=0),
        lambda plan: replace(plan, author="mallory"),
        lambda plan: replace(plan, requester="mallory"),
        lambda plan: replace(plan, created_at=instant(START + timedelta(days=9))),
        lambda plan: replace(plan, needs=("*",)),
        lambda plan: replace(plan, customer=not plan.customer),
        lambda plan: replace(plan, playbook="aws.s3.block-public-access"),
        lambda plan: replace(plan, undoes="p0"),
    ]
)


@given(edits, st.lists(st.sampled_from(["ken", "rin", "mio"]), max_size=3))
def test_an_edited_plan_has_no_votes(edit: Any, voters: list[str]) -> None:
    """Votes bind to the hash over all of it, so none of the plan's own votes counts for what it was turned into."""
    votes = [said(person) for person in voters]
    edited = edit(PLAN)
    assert edited.hash != PLAN.hash
    reported = stand(edited, votes, [], at(2))
    assert (reported.state, reported.missing) == ("proposed", 1)
