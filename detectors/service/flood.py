"""Whether a tenant's logs are a flood, by the records that the customer caused in each of the last whole minutes."""

from collections.abc import Sequence

from msgspec.structs import replace

from detectors.service.finding import Change, begun, is_active, opened
from model.finding import Element, Fact, Finding, Severity, resolve
from model.text import Text

POLICY = "service.log-flood"
# A flood begins where each of so many minutes has more than so many times the committed rate, and is worse with each
# further step; it is over where each of so many has not much more than the rate.
ONSET_MINUTES, OVER_MINUTES, CALM = 5, 30, 1.2
STEPS: tuple[tuple[int, Severity], ...] = ((3, "medium"), (10, "high"), (100, "high"))


def flood(minutes: Sequence[int], committed: float, before: Finding | None, at: str) -> Change | None:
    """Return what is to be written of a tenant's flood at the moment `at` (RFC 3339), None where nothing is.

    `minutes` are the records of the last `OVER_MINUTES` whole minutes, the newest last; the committed rate is in
    records a minute. `before` is the finding as it was.
    """
    step = _step(minutes, committed)
    if before is None or not is_active(before):
        return begun(before, _found(minutes, committed, step, at)) if step else None
    if all(number < CALM * committed for number in minutes[-OVER_MINUTES:]):
        return resolve(before, "the rate is back to what is agreed", at)
    if step <= int(before.elements[0].key):
        return None
    worse = replace(_found(minutes, committed, step, at), opened_at=before.opened_at)
    return worse, Fact(worse.uid, "open", at)


def _step(minutes: Sequence[int], committed: float) -> int:
    """Return how many times the committed rate each of the newest minutes has more than: a step, 0 for none of them."""
    least = min(minutes[-ONSET_MINUTES:])
    return max((times for times, _ in STEPS if least > times * committed), default=0)


def _found(minutes: Sequence[int], committed: float, step: int, at: str) -> Finding:
    newest = minutes[-ONSET_MINUTES:]
    rate = sum(newest) // len(newest)
    times = rate / committed
    said = Text(
        en=f"In each of the last {ONSET_MINUTES} minutes more than {step} times the committed rate came in: "
        f"{rate:,} records a minute on average, {times:,.0f} times {committed:,.0f}",
        ja=f"直近{ONSET_MINUTES}分間、どの1分間にも基準レートの{step}倍を超える監視ログを受信した"
        f"（平均は毎分{rate:,}件で、基準レートの毎分{committed:,.0f}件の約{times:,.0f}倍）",
    )
    return replace(opened(POLICY, "", dict(STEPS)[step], said, at), elements=(Element(str(step), "fail"),))
