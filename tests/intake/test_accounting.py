"""What becomes of records: each is counted once when it came, and once by what became of it."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from intake.accounting import Arrival, Record, account, key_of, offered, repeated, size_of, with_time
from intake.batches import LONGEST, MOST_BYTES, MOST_RECORDS, Batch
from intake.events import Event, Malformed
from intake.own import Own
from model.log_volume import OUTCOMES, LogCount, LogPiece, What, by_minute, slot_of, volume_of

SOURCE, AT = "aws.cloudtrail", datetime(2026, 6, 1, 0, 0, 17, 500, UTC)
ARRIVAL = Arrival(SOURCE, "piece", AT, "back-fill")
PIECE = LogPiece(SOURCE, "piece", "content", "", "")


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
    made = account(found, {key_of(event(one)) for one in known}, ARRIVAL)
    assert records(made.counts, "offered") == records(made.counts, "accepted") == len(found)
    assert sum(records(made.counts, what) for what in OUTCOMES) == len(found)
    assert sum(one.bytes for one in made.counts if one.what in OUTCOMES) == sum(map(size_of, found))
    ids = [one.id for one in found if isinstance(one, Event)]
    assert {one.id for one in made.fresh.values()} == set(ids) - known
    assert records(made.counts, "processed") == len(made.fresh)
    assert sum(one.records for one in made.aside) == records(made.counts, "malformed")
    assert 0 <= took - sum(one.cpu_us for one in with_time(made.counts, took)) < len(OUTCOMES)
    volume = volume_of(SOURCE, made.counts)
    assert (volume.offered, volume.waiting) == (len(found), 0)


def test_what_is_counted_has_its_slot_and_whose_doing_it_was() -> None:
    found: list[Record] = [event("a"), event("a"), Malformed("3", "not JSON", 5), Malformed("4", "not JSON", 6)]
    made = account(found, set(), ARRIVAL)
    counts = with_time(made.counts, 4_000)
    assert {one.slot for one in counts} == {"2026-06-01T00:00:10.000000Z"}
    assert {(one.what, one.cause): (one.records, one.bytes, one.cpu_us) for one in counts} == {
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
    counts = [*account(found, set(), arrival).counts, *repeated(SOURCE, 7, 70, AT)]
    back_fill = account([event("d"), event("d")], set(), ARRIVAL).counts
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


def batches(found: list[Malformed], most: int = MOST_RECORDS) -> list[Batch]:
    """Return records in batches."""
    made = [begun(most)]
    for one in found:
        if not made[-1].add(one):
            made.append(begun(most))
            assert made[-1].add(one), "a batch of one is as large as that"
    return made


def begun(most: int) -> Batch:
    batch = Batch(most)
    batch.begin(PIECE)
    return batch


@given(st.lists(st.integers(0, MOST_BYTES * 2), max_size=30))
def test_a_batch_is_bounded_and_nothing_is_left_out(sizes: list[int]) -> None:
    found = [Malformed(str(number), "not JSON", size) for number, size in enumerate(sizes)]
    made = [[one for part in batch.parts for one in part.records] for batch in batches(found)]
    assert [one for batch in made for one in batch] == found
    assert all(len(batch) <= 1 or sum(map(size_of, batch)) <= MOST_BYTES for batch in made)


def test_a_batch_is_written_after_a_second_at_the_latest() -> None:
    batch, one = Batch(), Malformed("1", "not JSON", 1)
    assert not batch.is_late(AT), "nothing waits in it"
    batch.begin(PIECE)
    for seconds, late in ((0, False), (0.9, False), (1, True)):
        batch.wait_from(AT + timedelta(seconds=seconds))
        batch.add(one)
        assert batch.is_late(AT + timedelta(seconds=seconds)) is late
    assert timedelta(seconds=1) == LONGEST
    assert list(map(len, batches([one] * (MOST_RECORDS + 1)))) == [MOST_RECORDS, 1]


def test_of_what_waited_is_set_right_whose_doing_it_was_where_it_was_counted() -> None:
    """What came at 00:00:17 is processed five minutes later: the numbers of its slot are set right."""
    came = slot_of(AT)
    arrival = Arrival(SOURCE, "piece", AT + timedelta(minutes=5), "customer", offered_in=came)
    counted = offered(SOURCE, came, {"customer": (4, 31)})
    found: list[Record] = [event("a"), event("a"), event("b"), Malformed("4", "not JSON", 1)]
    counts = [*counted, *account(found, set(), arrival).counts]
    of_slot: Counter[tuple[What, str]] = Counter()
    for one in counts:
        of_slot[one.what, one.cause] += one.records if one.slot == came else 0
    wanted = {("offered", "customer"): 3, ("offered", "repeat"): 1}
    assert {key: number for key, number in of_slot.items() if key[0] == "offered"} == wanted
    volume = volume_of(SOURCE, counts)
    assert (volume.offered, volume.customer, volume.processed, volume.duplicate, volume.waiting) == (4, 3, 2, 1, 0)
    assert volume_of(SOURCE, counted).waiting == 4


def test_what_happened_while_nothing_of_ours_ran_is_caught_up_with() -> None:
    stop = ("2026-05-31T23:50:00.000000Z", "2026-06-01T00:00:10.000000Z")
    arrival = Arrival(SOURCE, "piece", AT, "customer", stops=(stop,))
    found: list[Record] = [event("a"), replace(event("b"), at=stop[1]), replace(event("c"), at=stop[0]), event("a")]
    volume = volume_of(SOURCE, account(found, set(), arrival).counts)
    assert (volume.customer, volume.causes) == (1, {"catch-up": 2, "customer": 1, "repeat": 1})
    filled = replace(arrival, cause="back-fill")
    assert volume_of(SOURCE, account(found, set(), filled).counts).causes == {"back-fill": 3, "repeat": 1}
