"""What a suspension because of massive logs rests on, as it was decided, and what came of it (Article 11)."""

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

from model.text import Text

SuspensionScope = Literal["logs", "service"]


class CaseSetting(Struct, frozen=True):
    """A number that the decision went by: its key, value and unit, which layer says so, and the clause."""

    key: str
    text: Text
    value: int
    unit: str
    layer: str
    clause: str


class CaseMinute(Struct, frozen=True):
    """What was measured in a minute, which began `at` a moment (RFC 3339).

    `records` are those that the customer's environment caused, `left_out` those of other causes. `others_p99_s` is how
    many seconds 99 % of the others' records waited at most, `others_records` how many came of all others together.
    `capacity` is in records a minute; `refused` are the customer's; `growth_bytes` is by how much what is kept of the
    customer grew, `total_growth_bytes` of all, `free_bytes` what the disk took yet.
    """

    at: str
    records: int
    left_out: Mapping[str, int] = {}
    others_p99_s: float = 0
    others_records: int = 0
    capacity: int = 0
    backlog: int = 0
    refused: int = 0
    refusing_percent: float = 0
    growth_bytes: int = 0
    total_growth_bytes: int = 0
    free_bytes: int | None = None


class CaseChange(Struct, frozen=True):
    """A change of stage on the way there: `at` a moment, from one stage to another, for a reason."""

    at: str
    before: str
    after: str
    reason: str


class StandingJudgement(Struct, frozen=True, forbid_unknown_fields=True):
    """What lets a suspension be automatic: judged on a day by an author and an approver, who are two people."""

    on: str
    author: str
    approver: str


class CaseAdvice(Struct, frozen=True):
    """What most of a sample of the records were, for the customer to find the cause: numbers by event type, principal.

    Principals are keyed pseudonyms. `sampled` is how many records were looked at.
    """

    sampled: int
    types: Sequence[tuple[str, int]] = ()
    principals: Sequence[tuple[str, int]] = ()


class SuspensionCase(Struct, frozen=True):
    """A suspension, or the proposal of one, as it was decided: it is never changed.

    `committed` is in records a minute. The reason is what was affected that all share: waiting, disk, intake; or the
    customer's own backlog, which is only ever proposed. Without a standing `judgement` (of an edition of the
    specification) it is a proposal. `why_proposed` says why a person has to decide.
    """

    id: str
    tenant: str
    decided_at: str
    outcome: Literal["suspended", "proposed"]
    reason: str
    since: str
    until: str
    committed: int
    settings: Sequence[CaseSetting]
    minutes: Sequence[CaseMinute]
    changes: Sequence[CaseChange] = ()
    advice: CaseAdvice = CaseAdvice(0)
    edition: str = ""
    judgement: StandingJudgement | None = None
    why_proposed: Text | None = None
    scope: SuspensionScope = "logs"


class CaseNotice(Struct, frozen=True):
    """Who was notified: `to` the customer or the provider's people, in which channel, when it arrived, or why not."""

    to: Literal["customer", "staff"]
    channel: str
    state: Literal["sent", "queued", "failed"]
    sent_at: str = ""
    problem: str = ""


class CaseJudgement(Struct, frozen=True):
    """Who judged on it `at` a moment: confirmed, extended or lifted it, with which reason."""

    at: str
    person: str
    decision: str
    reason: str


class CaseGap(Struct, frozen=True):
    """What was not taken in meanwhile of a source: requests or objects, and their bytes, as far as that is known.

    `filled` are the records that were filled back later.
    """

    source: str
    things: int | None
    bytes: int | None
    filled: int = 0


class SuspensionStory(Struct, frozen=True):
    """What came of a case until now: who judged, who was notified, what was not taken in, and when it ended."""

    scope: SuspensionScope
    until: str
    ended_at: str = ""
    judgements: Sequence[CaseJudgement] = ()
    notices: Sequence[CaseNotice] = ()
    gaps: Sequence[CaseGap] = ()
