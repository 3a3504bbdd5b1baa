"""Plans: what is to be changed, in values, and what becomes of it.

A plan is never edited; its hash is what is approved.
"""

import hashlib
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from model.asset import Asset
from model.call import Call
from model.canonical import encode
from model.text import Text

# The part of a resource that a playbook is about, as nested mappings; an absent key is a fact. Keys that begin with
# an underscore are handles (an ETag, a rule's id): carried along, never compared, and no part of a plan.
State = dict[str, Any]

StepState = Literal[
    "planned",  # nothing was sent
    "unchanged",  # there was nothing to change
    "patch",  # infrastructure code owns it: a proposal only
    "applying",  # a call may be under way
    "verified",  # read afresh, as wanted, and the policy passes
    "unverified",  # as far as it went, but not shown to be in order
    "stale",  # it is not as it was when the plan was made
    "failed",  # the provider refused
    "reverted",  # in order once, and reverted by somebody within the time of watching
    "undone",  # rolled back by a plan of ours
]
CallState = Literal["sending", "done", "failed", "in doubt"]
ENDED: frozenset[StepState] = frozenset(
    {"unchanged", "patch", "verified", "unverified", "stale", "failed", "reverted", "undone"}
)
# What may have left something behind, and can be rolled back.
CHANGED: frozenset[StepState] = frozenset({"applying", "verified", "unverified", "failed"})


class Change(Struct, frozen=True):
    """One value that differs; unset is absent."""

    path: tuple[str, ...]
    before: Any | UnsetType = UNSET
    after: Any | UnsetType = UNSET


class Target(Struct, frozen=True):
    """The resource of a step; `key` distinguishes an account's settings in each region.

    `parts` are the fields of its body by which the playbook finds what it is about; absent where it needs none. What is
    changed is named by the plan alone, which people have approved: the inventory may be another one by then.
    """

    uid: str
    kind: str
    resource: str
    name: str
    scope: str
    region: str
    key: str = ""
    parts: dict[str, Any] | UnsetType = UNSET

    @property
    def asset(self) -> Asset:
        """Return it as an asset, with nothing in its body but the parts by which it is found."""
        body = {} if self.parts is UNSET else self.parts
        return Asset(self.kind, self.resource, self.name, self.scope, self.region, body, "", key=self.key)


class Step(Struct, frozen=True):
    """One resource of a plan, from which values to which.

    `back` is the state that a rollback reaches, absent where there is no way back. `owner` names the infrastructure
    code that the resource belongs to, with a `patch` for it; only where `live` is chosen, it is changed all the same.
    """

    target: Target
    policies: tuple[str, ...]
    before: State
    after: State
    changes: tuple[Change, ...]
    calls: tuple[Call, ...]
    back: State | UnsetType = UNSET
    inverse: tuple[Call, ...] = ()
    cautions: tuple[Text, ...] = ()
    owner: str = ""
    patch: str = ""
    live: bool = True


class LeftOut(Struct, frozen=True):
    """A resource that a plan leaves alone, and why."""

    resource: str
    reason: Text


class Plan(Struct, frozen=True):
    """Steps by one playbook. Moments are RFC 3339.

    `undoes` is the plan that this one rolls back. `approvals` is how many persons have to agree beside whoever made it
    (`author`) and whoever it was made for (`requester`); `customer` asks for one of the customer's too. `reasons` say
    why it is two.
    """

    id: str
    tenant: str
    playbook: str
    title: Text
    risk: Text
    author: str
    requester: str
    created_at: str
    steps: tuple[Step, ...]
    needs: tuple[str, ...]
    approvals: int
    customer: bool = False
    reasons: tuple[Text, ...] = ()
    stays: Text | None = None
    left_out: tuple[LeftOut, ...] = ()
    undoes: str = ""
    order: str = ""

    @property
    def hash(self) -> str:
        """Return what an approval binds to: SHA-256 over the whole plan, prior values included, as 64 hex digits."""
        return hashlib.sha256(encode(self)).hexdigest()


class Vote(Struct, frozen=True):
    """A person's word on a plan, bound to its hash; `side` is staff or customer.

    Until the first thing is sent it can be withdrawn; it counts no more from `withdrawn_at` on.
    """

    plan: str
    hash: str
    person: str
    side: str
    yes: bool
    at: str
    reason: str = ""
    withdrawn_at: str = ""


class Progress(Struct, frozen=True):
    """How far a step is. `before` and `after` are what was really read before the first call and after the last one."""

    plan: str
    uid: str
    state: StepState
    at: str
    reason: str = ""
    before: State | None = None
    after: State | None = None


class Sent(Struct, frozen=True):
    """One line of the journal: a call is about to be sent (`sending`), and what came of it."""

    plan: str
    uid: str
    number: int
    call: str
    state: CallState
    at: str
    code: str = ""
