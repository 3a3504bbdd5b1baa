"""What becomes of records: each is counted once when it came, and once by what became of it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from intake.accounting import Arrival, Record, account, key_of, repeated, size_of
from intake.batches import LONGEST, MOST_BYTES, MOST_RECORDS, batches
from intake.events import Event, Malformed
from intake.own import Own
from model.log_volume import OUTCOMES, LogCount, What, by_minute, slot_of, volume_of
from tests.conftest import MovingClock

SOURCE, AT = "aws.cloudtrail", datetime(2026, 6, 1, 0, 0, 17, 500, UTC)
ARRIVAL = Arrival(SOURCE, "piece", AT, "back-fill")


N = st.integers(0, 99)
SLOTS = st.integers(0, 30).map(lambda number: slot_of(AT + timedelta(seconds=10 * number)))

COUNTS = st.builds(LogCount, st.just(SOURCE), SLOTS, st.sampled_from(["offered", "processed"]), st.just("own"), N, N)


def event(id_: str, size: int = 10, principal: str = "p") -> Event:
    return Event(id_, "2026-06-01T00:00:00.000000Z", "t", principal, critical=False, position="1", raw=b"x" * size)


RECORDS = st.lists(
    st.one_of(
        st.builds(event, st.sampled_from("abcdef"), st.integers(0, 9)),
        st.builds(Malformed, st.just("1"), st.sampled_from(["not JSON", "too large"]), st.integers(0, 9)),
    ),
    min_size=1,
)


def records(counts: list[LogCount], what: What) -> int:
    return sum(one.records for one in counts if one.what == what)


@given(RECORDS, st.sets(st.sampled_from("abc")), st.integers(0, 1000))
def test_each_record_is_counted_once_by_what_became_of_it(found: list[Record], known: set[str], took: int) -> None:
    made = account(found, {key_of(event(one)) for one in known}, ARRIVAL, took)
    assert records(made.counts, "offered") == records(made.counts, "accepted") == len(found)
    assert sum(records(made.counts, what) for what in OUTCOMES) == len(found)
    assert sum(one.bytes for one in made.counts if one.what in OUTCOMES) == sum(map(size_of, found))
    ids = [one.id for one in found if isinstance(one, Event)]
    assert {one.id for one in made.fresh.values()} == set(ids) - known
    assert records(made.counts, "processed") == len(made.fresh)
    assert sum(one.records for one in made.aside) == records(made.counts, "malformed")
    assert 0 <= took - sum(one.cpu_us for one in made.counts) < len(OUTCOMES)
    volume = volume_of(SOURCE, made.counts)
    assert (volume.offered, volume.waiting) == (len(found), 0)


def test_what_is_counted_has_its_slot_and_whose_doing_it_was() -> None:
    found: list[Record] = [event("a"), event("a"), Malformed("3", "not JSON", 5), Malformed("4", "not JSON", 6)]
    made = account(found, set(), ARRIVAL, 4_000)
    assert {one.slot for one in made.counts} == {"2026-06-01T00:00:10.000000Z"}
    assert {(one.what, one.cause): (one.records, one.bytes, one.cpu_us) for one in made.counts} == {
        ("offered", "back-fill"): (3, 21, 0),
        ("offered", "repeat"): (1, 10, 0),
        ("accepted", "back-fill"): (3, 21, 0),
        ("accepted", "repeat"): (1, 10, 0),
        ("processed", "back-fill"): (1, 10, 1_000),
        ("duplicate", "repeat"): (1, 10, 1_000),
        ("malformed", "back-fill"): (2, 11, 2_000),
    }
    (aside,) = made.aside
    assert (aside.first, aside.last, aside.records, aside.reason) == ("3", "4", 2, "not JSON")


def test_what_waits_is_what_has_come_to_no_end() -> None:
    slot = "2026-06-01T00:00:10.000000Z"
    counts = [LogCount(SOURCE, slot, "offered", "customer", 10, 100), LogCount(SOURCE, slot, "refused", "customer", 3)]
    volume = volume_of(SOURCE, [*counts, *repeated(SOURCE, 5, 50, AT)])
    assert (volume.offered, volume.refused, volume.duplicate, volume.waiting) == (15, 3, 5, 7)
    assert (volume.bytes, volume.last_heard, volume.causes) == (150, slot, {"customer": 3, "repeat": 5})


def test_what_we_leave_ourselves_and_repeats_are_not_the_customer_s_rate() -> None:
    ours = "arn:aws:sts::123456789012:assumed-role/hinomi-read/hinomi"
    arrival = Arrival(SOURCE, "piece", AT, "customer", Own(frozenset({("123456789012", "hinomi-read")})))
    found: list[Record] = [
        event("a"),
        event("a"),
        event("b", principal=ours),
        event("c"),
        Malformed("5", "not JSON", 1),
    ]
    counts = [*account(found, set(), arrival, 0).counts, *repeated(SOURCE, 7, 70, AT)]
    back_fill = account([event("d"), event("d")], set(), ARRIVAL, 0).counts
    volume = volume_of(SOURCE, [*counts, *back_fill])
    assert (volume.offered, volume.customer) == (14, 3)
    assert volume.causes == {"back-fill": 1, "customer": 3, "own": 1, "repeat": 9}


@given(
    st.lists(
        st.builds(LogCount, st.just(SOURCE), SLOTS, st.sampled_from(["offered", "processed"]), st.just("own"), N, N)
    )
)
def test_minutes_hold_what_their_slots_held(counts: list[LogCount]) -> None:
    minutes = by_minute(counts)
    assert {one.slot[:16] for one in minutes} == {one.slot[:16] for one in counts}
    assert all(one.slot.endswith(":00.000000Z") for one in minutes)
    for what in ("offered", "processed"):
        assert sum(c.bytes for c in minutes if c.what == what) == sum(c.bytes for c in counts if c.what == what)
    assert by_minute(minutes) == minutes


@given(st.lists(st.integers(0, MOST_BYTES * 2), max_size=30))
def test_a_batch_is_bounded_and_nothing_is_left_out(sizes: list[int]) -> None:
    found = [Malformed(str(number), "not JSON", size) for number, size in enumerate(sizes)]
    made = list(batches(found, MovingClock().now))
    assert [one for batch in made for one in batch] == found
    assert all(len(batch) == 1 or sum(map(size_of, batch)) <= MOST_BYTES for batch in made)


def test_a_batch_is_written_after_a_second_at_the_latest() -> None:
    clock, one = MovingClock(), Malformed("1", "not JSON", 1)

    def coming() -> Iterator[Record]:
        for _ in range(7):
            clock.sleep(0.4)
            yield one

    assert timedelta(seconds=1) == LONGEST
    assert [len(batch) for batch in batches(coming(), clock.now)] == [3, 3, 1]
    assert [len(batch) for batch in batches([one] * (MOST_RECORDS + 1), clock.now)] == [MOST_RECORDS, 1]
