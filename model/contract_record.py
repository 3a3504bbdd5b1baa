"""What is on record of a contract: ordered, accepted, agreed, announced, judged. Records are only ever added."""

import re
from datetime import date
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

from model.canonical import parse_instant
from model.suspension_case import SuspensionScope

_SHORT = Meta(min_length=1, max_length=400)
ItemName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$(?!\n)", max_length=60)]
SettingKey = Annotated[str, Meta(pattern=r"^[a-z]+(\.[a-z_]+)+$(?!\n)", max_length=100)]
# A day of the contract's zone, or a moment in UTC: what holds from a day on holds from its first moment.
Effective = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]+Z)?$(?!\n)", max_length=40)]
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class _Recorded(Struct, frozen=True, forbid_unknown_fields=True, tag_field="record"):
    """What every record says of itself by its `record`."""


class OrderRecord(_Recorded, frozen=True, tag="order"):
    """A customer ordered the service from a day on (Article 5(1)); `last_day` where it does not end with a year."""

    start: date
    last_day: date | None = None


class AcceptanceRecord(_Recorded, frozen=True, tag="acceptance"):
    """The provider accepted what another record asked for, by its number (Article 5)."""

    of: Annotated[int, Meta(ge=1)]


class ItemRecord(_Recorded, frozen=True, tag="item"):
    """An item of the menu is agreed from a day on, to a last day where one is known (Article 2)."""

    item: ItemName
    first_day: date
    last_day: date | None = None


class LicenceRecord(_Recorded, frozen=True, tag="licence"):
    """A licence of a designated product that the customer holds, both days counted (Article 3)."""

    product: ItemName
    first_day: date
    last_day: date
    checked_on: date


class NoticeRecord(_Recorded, frozen=True, tag="notice"):
    """A notice by which a side ends the contract, in a way, after a last day (Articles 7(2) and 9(1)).

    Whether the way was the `prescribed` one when it arrived, whoever records it does not say.
    """

    side: Literal["customer", "provider"]
    way: ItemName
    arrived_on: date
    last_day: date
    prescribed: bool = False


class SuspensionRecord(_Recorded, frozen=True, tag="suspension"):
    """Something is suspended since a day or moment, for a reason; until one, or until it is judged (Article 11).

    The scope is the service, or only that logs are taken in. `flood` is the case of the massive logs that it rests on,
    if any.
    """

    since: Effective
    reason: Annotated[str, _SHORT]
    until: Effective | None = None
    scope: SuspensionScope = "service"  # so were all that were recorded before there were scopes
    flood: Annotated[str, Meta(max_length=64)] = ""


class JudgementRecord(_Recorded, frozen=True, tag="judgement"):
    """Somebody has judged on another record, by its number.

    A suspension is lifted, a notice or a setting confirmed or not, a licence confirmed to have lapsed or not to count.
    """

    of: Annotated[int, Meta(ge=1)]
    decision: Literal["lifted", "confirmed", "rejected", "withdrawn", "lapsed"]
    reason: Annotated[str, _SHORT]


class SettingRecord(_Recorded, frozen=True, tag="setting"):
    """A condition of this contract alone (個別条件)."""

    key: SettingKey
    value: bool | int | str


What: TypeAlias = (
    OrderRecord
    | AcceptanceRecord
    | ItemRecord
    | LicenceRecord
    | NoticeRecord
    | SuspensionRecord
    | JudgementRecord
    | SettingRecord
)


class Evidence(Struct, frozen=True, forbid_unknown_fields=True):
    """The document that a record rests on: its file's name, and its SHA-256 as hex."""

    file: Annotated[str, Meta(min_length=1, max_length=255)]
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]


class ContractRecord(Struct, frozen=True):
    """One record, numbered from 1: what it says, from when it is effective, who recorded it when, on what evidence.

    What was `taken_over` from a tenant's file nobody has recorded on evidence of the contract itself. What is `late`,
    effective before it was recorded, counts once somebody else has confirmed it.
    """

    number: int
    what: What
    effective: Effective
    recorded_at: str
    person: str
    evidence: Evidence | None = None
    taken_over: bool = False
    late: bool = False


def kind_of(what: What) -> str:
    """Return the kind of a record, as its file names it."""
    return str(what.__struct_config__.tag)


def is_day(effective: str) -> bool:
    """Return whether something is effective from a day on, not from a moment within one."""
    return bool(_DAY.fullmatch(effective))


def why_no_effect(effective: str) -> str:
    """Return why a text is no day and no moment, the empty text where it is one."""
    try:
        date.fromisoformat(effective) if is_day(effective) else parse_instant(effective)
    except ValueError:
        return f"{effective!r} is no day and no moment; write 2026-04-01 or 2026-04-01T00:30:00Z"
    return ""
