"""Who gets how much: the rule against its definition, the scheduler against the rule."""

import math
import random
from collections import defaultdict
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.fairness import Demand, Share, shares
from intake.marking import BURST_SECONDS, full, spent, there
from intake.schedule import MOST, LogSchedule
from intake.turns import MOST_SECONDS, Turns
from intake.writes import BatchQueue

DEMANDS = st.dictionaries(
    st.sampled_from("abcdef"),
    st.builds(Demand, st.floats(0.1, 100), st.floats(0, 100), st.floats(0, 100)),
    min_size=1,
)
NEARLY = 1e-6


@given(st.floats(0, 300), DEMANDS)
def test_nobody_could_get_more_but_from_somebody_who_has_less_for_their_weight(
    capacity: float, demands: dict[str, Demand]
) -> None:
    found = shares(capacity, demands)
    green = {name: (one.green, demands[name].green) for name, one in found.items()}
    yellow = {name: (one.yellow, demands[name].yellow) for name, one in found.items()}
    left = capacity - sum(got for got, _ in green.values())
    for each, seconds in ((green, capacity), (yellow, left)):
        total = sum(got for got, _ in each.values())
        assert total == pytest.approx(min(max(seconds, 0), sum(wanted for _, wanted in each.values())), abs=NEARLY)
        assert all(got <= wanted + NEARLY for got, wanted in each.values())
        most = max(got / demands[name].weight for name, (got, _) in each.items())
        for name, (got, wanted) in each.items():
            assert got >= wanted - NEARLY or got / demands[name].weight >= most - NEARLY


def test_an_example_by_hand() -> None:
    """Of 10 seconds 2 are wanted by one, the others have as much for their weight as they can (3 : 6 of the rest)."""
    demands = {"a": Demand(1, 2), "b": Demand(1, 9), "c": Demand(2, 9), "d": Demand(1, 0, 5)}
    found = shares(10, demands)
    assert {name: one.green for name, one in found.items()} == pytest.approx({"a": 2, "b": 8 / 3, "c": 16 / 3, "d": 0})
    assert found["d"] == Share(0, 0)
    assert shares(25, demands)["d"].whole == pytest.approx(5)


def test_weights_may_be_far_from_each_other() -> None:
    """What one wants for a weight of 10^15 leaves all the rest to the one who is left, whatever their weight."""
    found = shares(9, {"a": Demand(1e15, 1), "b": Demand(1e-3, 100)})
    assert found["a"].green == 1
    assert found["b"].green == pytest.approx(8)
    assert shares(1, {"a": Demand(1e15), "b": Demand(1e-3, 1)})["b"].green == 1


class Backlog:
    """Records of a customer that wait, each of which takes so long to read and, later and in batches, to write."""

    def __init__(self, customer: str, each: float, writing: float = 0.0, *, is_critical: bool = False) -> None:
        self.customer, self.each, self.writing, self.is_critical = customer, each, writing, is_critical
        self.records = self.unwritten = 0
        self.queued = False


MINUTE, RECORDS_A_BATCH = 60.0, 100


def served(schedule: LogSchedule[Backlog], coming: list[tuple[float, Backlog]]) -> dict[str, float]:
    """Return how many seconds the schedule gives each customer in a minute of one core; `coming` is sorted by time."""
    got, now, left, ripe = defaultdict[str, float](float), 0.0, coming[::-1], 0.0
    while now < MINUTE:
        while left and left[-1][0] <= now:
            backlog = left.pop()[1]
            backlog.records += 1
            wait(schedule, backlog, now)
        if now >= ripe:
            schedule.ripen(now)
            ripe = now + 0.01
        grant = schedule.next(now)
        if grant is None:
            now = min(left[-1][0] if left else MINUTE, ripe)
            continue
        backlog = grant.backlog
        backlog.queued = False
        records = min(grant.most, backlog.records, max(1, math.ceil(MOST_SECONDS / backlog.each)))
        took = records * backlog.each
        backlog.records -= records
        backlog.unwritten += records
        now += took
        got[backlog.customer] += took
        schedule.took(grant, records, took, now)
        if backlog.unwritten >= RECORDS_A_BATCH or not backlog.records:
            wrote, backlog.unwritten = backlog.unwritten * backlog.writing, 0
            now += wrote
            got[backlog.customer] += wrote
            schedule.charge(backlog.customer, wrote)
        wait(schedule, backlog, now)
    return got


def wait(schedule: LogSchedule[Backlog], backlog: Backlog, now: float) -> None:
    if backlog.records and not backlog.queued:
        backlog.queued = True
        schedule.wait(backlog, now)


@pytest.mark.parametrize("writing", [0, 1])
@pytest.mark.parametrize("seed", range(6))
def test_the_schedule_gives_what_the_rule_gives(seed: int, writing: int) -> None:
    """Over a whole minute, at whose beginning there is a burst, a minute of the rate and the burst are green.

    What is written takes another part of the time with each customer, and is charged afterwards.
    """
    chosen = random.Random(seed)
    schedule: LogSchedule[Backlog] = LogSchedule()
    demands, coming = dict[str, Demand](), list[tuple[float, Backlog]]()
    names = [f"tenant-{number}" for number in range(chosen.randint(2, 12))]
    for name in names:
        rate, each = chosen.uniform(1, 10) * 30 / len(names), chosen.uniform(0.0005, 0.003)
        written = writing * chosen.uniform(0, 0.8)
        backlog = Backlog(name, each * (1 - written), each * written)
        schedule.commit(name, rate, 0.0)
        green = int((MINUTE + BURST_SECONDS) * rate)
        records = int(MINUTE * rate * chosen.choice([0.5, 1, 1.3, 1.9, 30, 60]))
        coming += [((number + 0.5) * MINUTE / records, backlog) for number in range(records)]
        demands[name] = Demand(rate, min(green, records) * each, max(0, records - green) * each)
    coming.sort(key=lambda one: one[0])
    rule, got = shares(MINUTE, demands), served(schedule, coming)
    assert {name: got[name] / one.whole for name, one in rule.items()} == pytest.approx(
        dict.fromkeys(names, 1), abs=0.02
    )


def granted(schedule: LogSchedule[Backlog], now: float, records: int = 100) -> list[tuple[str, int]]:
    """Return who is read now, and how many records at most, where each has so many."""
    found = []
    while grant := schedule.next(now):
        schedule.took(grant, min(grant.most, records), 0.001, now)
        found.append((grant.backlog.customer + "!" * grant.backlog.is_critical, grant.most))
    return found


def test_a_chunk_is_what_is_within_the_rate_and_what_is_critical_comes_first() -> None:
    """A bucket holds 20 seconds of the rate, one for what is critical a tenth of that."""
    schedule: LogSchedule[Backlog] = LogSchedule()
    schedule.commit("a", 1.0, 0.0)
    ordinary, critical = Backlog("a", 1), Backlog("a", 1, is_critical=True)
    schedule.wait(ordinary, 0.0)
    assert granted(schedule, 0.0) == [("a", 20)], "the rate is used up"
    for one in (ordinary, critical):
        schedule.wait(one, 0.0)
    assert granted(schedule, 0.0) == [("a!", 2), ("a", MOST["yellow"])], "but for what is critical"
    for one in (ordinary, critical):
        schedule.wait(one, 0.0)
    assert granted(schedule, 0.0) == [("a!", MOST["yellow"]), ("a", MOST["yellow"])]
    for one in (ordinary, critical):
        schedule.wait(one, 10.0)
    assert granted(schedule, 10.0, 0) == [("a!", 11), ("a", 10)]


def test_what_waits_is_green_once_it_is_within_the_rate() -> None:
    schedule: LogSchedule[Backlog] = LogSchedule()
    for name in "ab":
        schedule.commit(name, 1.0, 0.0)
    for name in "ab":
        schedule.wait(Backlog(name, 1), 0.0)
    assert granted(schedule, 0.0) == [("a", 20), ("b", 20)]
    schedule.wait(Backlog("a", 1), 0.0)
    schedule.ripen(0.5)
    assert granted(schedule, 0.5, 0) == [("a", MOST["yellow"])]
    schedule.wait(Backlog("a", 1), 0.5)
    schedule.ripen(3.5)
    assert granted(schedule, 3.5) == [("a", 3)]


def test_what_was_read_as_yellow_is_written_by_itself_once_nothing_green_waits() -> None:
    writes: BatchQueue[str] = BatchQueue()
    for batch in ("y1", "y2"):
        writes.due(batch, "yellow")
    writes.due("g1", "green")
    writes.due("g2", "green")
    assert writes.begun(green_waits=False) == [("g1", "green"), ("g2", "green")]
    writes.ended("green")
    assert (writes.begun(green_waits=False), writes.under_way) == ([], 1)
    writes.ended("green")
    assert writes.begun(green_waits=True) == []
    assert writes.begun(green_waits=False) == [("y1", "yellow")]
    assert writes.begun(green_waits=False) == []
    writes.due("g3", "green")
    assert writes.begun(green_waits=True) == [("g3", "green")], "what is green never waits"
    writes.ended("yellow")
    assert writes.begun(green_waits=False) == []
    writes.ended("green")
    assert writes.begun(green_waits=False) == [("y2", "yellow")]


def test_a_batch_whose_store_is_held_up_keeps_nobody_elses_from_being_written() -> None:
    writes: BatchQueue[str] = BatchQueue()
    writes.due("held up", "green")
    assert writes.begun(green_waits=False, now=10.0) == [("held up", "green")]
    writes.due("y1", "yellow")
    writes.due("y2", "yellow")
    assert writes.begun(green_waits=False, now=10.9) == []
    assert writes.begun(green_waits=False, now=11.1) == [("y1", "yellow")]
    assert writes.begun(green_waits=False, now=11.2) == []
    writes.ended("yellow")
    assert (writes.begun(green_waits=False, now=11.3), writes.under_way) == ([("y2", "yellow")], 2)


def test_a_dear_chunk_is_paid_for_by_whoever_sent_it_and_nobody_pays_for_idle_time() -> None:
    turns: Turns[int] = Turns({"dear": 1.0, "cheap": 1.0})
    turns.add("dear", "green", 0)
    alone = turns.next()
    assert alone
    turns.took(alone, 1_000)  # while nobody else wanted anything
    for number in range(3):
        turns.add("dear", "green", number)
        turns.add("cheap", "green", number)
    order = []
    while turn := turns.next():
        turns.took(turn, 10 if turn.customer == "dear" else 5)
        order.append(turn.customer)
    assert order == ["dear", "cheap", "cheap", "dear", "cheap", "dear"]


def test_yellow_waits_for_all_that_is_green() -> None:
    turns: Turns[str] = Turns({"a": 1.0, "b": 1.0})
    for customer, colour in (("a", "yellow"), ("b", "green"), ("a", "green"), ("b", "green")):
        turns.add(customer, "green" if colour == "green" else "yellow", colour)
    order = []
    while turn := turns.next():
        turns.took(turn, 1)
        order.append(turn.chunk)
    assert order == ["green", "green", "green", "yellow"]


@given(st.lists(st.tuples(st.integers(0, 500), st.floats(0, 30)), min_size=1), st.floats(0.5, 50))
def test_what_is_green_is_within_the_committed_rate(batches: list[tuple[int, float]], rate: float) -> None:
    bucket, at, greens = full(rate, 0.0), 0.0, [(0.0, 0)]
    for records, pause in batches:
        at += pause
        green = min(records, there(bucket, at))
        bucket = spent(bucket, green, at)
        assert 0 <= green <= records
        greens.append((at, greens[-1][1] + green))
    for since, until in pairwise(range(0, len(greens), 2)):
        passed = greens[until][0] - greens[since][0]
        assert greens[until][1] - greens[since][1] <= rate * (BURST_SECONDS + passed) + NEARLY
    assert there(full(rate, 0.0), 0.0) == int(rate * BURST_SECONDS)


def test_who_is_held_back_is_read_only_where_nobody_has_anything_waiting() -> None:
    """Of two who send as much as they can beyond equal rates one gets all but what the other's rate is."""
    schedule: LogSchedule[Backlog] = LogSchedule()
    for name in "ab":
        schedule.commit(name, 100, 0)
    schedule.hold_back("b", is_limited=True)
    floods = [Backlog(name, 0.001) for name in "ab"]
    got = served(schedule, [(0.0, one) for one in floods for _ in range(60_000)])
    within = (60 + BURST_SECONDS) * 100 * 0.001
    assert got["b"] == pytest.approx(within, rel=0.05)
    assert got["a"] == pytest.approx(MINUTE - within, rel=0.05)
    schedule.hold_back("b", is_limited=False)
    free = served(schedule, [(0.0, Backlog(name, 0.001)) for name in "b" for _ in range(10)])
    assert free["b"] > 0
