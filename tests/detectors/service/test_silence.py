"""Silent sources: three times their own longest pause, without our stops; never one that was never heard."""

from datetime import UTC, datetime, timedelta

import pytest

from detectors.service.silence import heard_at, silence
from model.canonical import instant
from model.log_volume import LogHeard, Stop

SOURCE = "aws.cloudtrail"
DAY = datetime(2026, 6, 1, tzinfo=UTC)


def at(hours: float) -> datetime:
    return DAY + timedelta(hours=hours)


def stop(since: float, until: float) -> Stop:
    return at(since), at(until)


def heard(first: float, last: float, pause: float) -> LogHeard:
    return LogHeard(SOURCE, instant(at(first)), instant(at(last)), int(pause * 3600))


@pytest.mark.parametrize(
    ("slots", "stops", "pause"),
    [
        ([0, 1, 3, 4], [], 2),
        ([0, 1, 3, 4], [stop(1.5, 2.5)], 1),  # the part of it that was ours
        ([0, 10, 11], [stop(0, 9), stop(9.5, 10)], 1),
        ([0], [], 0),
    ],
)
def test_a_pause_is_the_source_s_own(slots: list[float], stops: list[Stop], pause: float) -> None:
    texts = [instant(at(one)) for one in slots]
    whole = heard_at(None, SOURCE, texts, stops)
    assert whole == heard(slots[0], slots[-1], pause)
    known = None
    for one in texts:  # the same slot by slot, and no matter whether one comes again
        known = heard_at(known, SOURCE, [one], stops)
        known = heard_at(known, SOURCE, [one], stops)
    assert known == whole
    assert heard_at(None, SOURCE, [], stops) is None


@pytest.mark.parametrize(
    ("known", "now", "stops", "found"),
    [
        (heard(0, 48, 2), 54, [], False),
        (heard(0, 48, 2), 54.1, [], True),
        (heard(0, 48, 2), 54.1, [stop(49, 49.5)], False),  # our own stop explains it
        (heard(0, 48, 2), 55, [stop(49, 49.5)], True),
        (heard(0, 48, 0.01), 48.9, [], False),  # an hour at least
        (heard(0, 48, 0.01), 49.1, [], True),
        (heard(0, 23, 0.01), 40, [], False),  # nothing is known of a source that was heard for less than a day
    ],
)
def test_it_is_silent_for_more_than_three_times_its_longest_pause(
    known: LogHeard, now: float, stops: list[Stop], found: bool
) -> None:
    assert (silence(known, None, at(now), stops) is not None) is found


def test_which_of_our_stops_lies_in_it_is_said_and_it_is_over_once_it_is_heard() -> None:
    change = silence(heard(0, 48, 2), None, at(56), [stop(10, 11), stop(49, 49.5)])
    assert change
    found, fact = change
    assert (found.state, found.category, found.resource, fact.became) == ("open", "service", SOURCE, "open")
    assert "since 2026-06-03 09:00 (Japan time); the longest pause before was 2 hours" in found.message.en
    assert found.message.en.endswith("because of a stop of the service from 2026-06-03 10:00 to 2026-06-03 10:30")
    assert "2026-06-03 10:00～2026-06-03 10:30" in found.message.ja
    steady = silence(heard(0, 48, 0.01), None, at(49.1), [])
    assert steady
    assert steady[0].message.en.endswith("the longest pause before was less than a minute")
    assert "1分未満" in steady[0].message.ja
    assert silence(heard(0, 48, 2), found, at(60), []) is None
    over = silence(heard(0, 60, 12), found, at(60), [])
    assert over
    assert (over[0].state, over[1].became) == ("resolved", "resolved")
