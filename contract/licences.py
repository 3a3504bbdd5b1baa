"""Does the customer hold a licence of a designated product, and what follows where it has lapsed (Article 3)? Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from msgspec import Struct

from contract.days import NEVER, begins, day_of, until_end_of
from model.contract_record import ContractRecord, JudgementRecord, LicenceRecord
from model.terms import Product

ON_LAPSE, GRACE_DAYS = "licence.on_lapse", "licence.grace_days"


class Licence(Struct, frozen=True):
    """A licence on record that counts: the number of its record and its days, as far as its product is designated."""

    record: int
    product: str
    first_day: date
    last_day: date


class LicenceState(Struct, frozen=True):
    """Whether a licence is valid on a day.

    `last_day` is the last day of those that are valid, or of the newest that has lapsed: without one, no licence that
    had begun is on record, and whether the customer is eligible is not known.
    """

    valid: bool = False
    last_day: date | None = None
    record: int | None = None

    @property
    def has_lapsed(self) -> bool:
        """Return whether a licence was valid and none is any more: a lapse presupposes a licence on record."""
        return self.last_day is not None and not self.valid

    @property
    def lapsed_at(self) -> datetime:
        """Return the first moment without a licence, of one that has lapsed."""
        return until_end_of(self.last_day)


def licences(records: Iterable[ContractRecord], products: Mapping[str, Product]) -> list[Licence]:
    """Return the licences that count: of designated products, and not rejected by a judgement."""
    rejected = {judged.of for judged in _judgements(records) if judged.decision == "rejected"}
    found = []
    for one in records:
        if not isinstance(one.what, LicenceRecord) or one.number in rejected or one.what.product not in products:
            continue
        product = products[one.what.product]
        first = max(one.what.first_day, product.first_day or date.min)
        last = min(one.what.last_day, product.last_day or date.max)
        if first <= last:
            found.append(Licence(one.number, one.what.product, first, last))
    return found


def licence_on(found: Sequence[Licence], day: date) -> LicenceState:
    """Return whether one of the licences is valid on a day, and up to which day without a break."""
    last, record, valid = None, None, False
    for one in sorted(found, key=lambda licence: licence.first_day):
        if one.first_day > day and not (valid and last and one.first_day <= last + timedelta(days=1)):
            continue
        if last is None or one.last_day > last:
            last, record = one.last_day, one.record
        valid = valid or one.first_day <= day <= one.last_day
    return LicenceState(valid, last, record)


def grace_ends(state: LicenceState, judged: datetime | None, on_lapse: object, grace_days: object) -> datetime:
    """Return until when collection and alerts go on after a licence has lapsed, as its `state` says.

    By the setting `licence.on_lapse`: `stop` = not at all, `grace` = so many days (`grace_days`), `confirm` = until a
    person has confirmed the lapse. Since somebody has `judged` that it has lapsed, it is over.
    """
    confirmed = judged or NEVER
    match on_lapse:
        case "stop":
            return state.lapsed_at
        case "confirm":
            return confirmed
    days = grace_days if isinstance(grace_days, int) else 0
    return min(confirmed, begins((day_of(state.lapsed_at) + timedelta(days=days)).isoformat()))


def judged_lapsed(records: Iterable[ContractRecord], number: int | None) -> datetime | None:
    """Return since when somebody has judged that the licence on the record of a number has lapsed; None if nobody."""
    return min(
        (
            begins(one.effective)
            for one in records
            if isinstance(one.what, JudgementRecord) and (one.what.of, one.what.decision) == (number, "lapsed")
        ),
        default=None,
    )


def _judgements(records: Iterable[ContractRecord]) -> list[JudgementRecord]:
    return [one.what for one in records if isinstance(one.what, JudgementRecord)]
