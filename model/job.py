"""Something to be done for a tenant: asked for by the schedule or a person, worked on by one worker at a time."""

from typing import Literal

from msgspec import Struct

JobKind = Literal["scan", "tell", "change", "due"]
JobState = Literal["queued", "running", "done", "failed"]


class Job(Struct, frozen=True):
    """A scan for one slot of a tenant's schedule or that somebody asked for.

    Deliveries are tried again by the kind `tell`, which earlier versions queued: the dispatcher does so now. `change`
    carries out one plan, or goes on with it; `due` reminds of what a contract asks for.

    `number` is the lease number that fences off earlier workers; whoever works on it is the `holder`
    until `held_until`. `outcome` states what came of it, without secrets. Moments are RFC 3339 in UTC, empty = not yet.
    """

    id: str
    kind: JobKind
    tenant: str
    slot: str
    asked_by: str
    state: JobState
    due_at: str
    attempts: int = 0
    holder: str = ""
    number: int = 0
    held_until: str = ""
    started_at: str = ""
    finished_at: str = ""
    outcome: str = ""
    plan: str = ""
