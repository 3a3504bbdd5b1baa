"""Who gets how much: the rule against its definition, the scheduler against the rule."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.fairness import Demand, Share, shares
from intake.marking import BURST_SECONDS, full, mark
from intake.turns import COLOURS, Colour, Turns

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
    for each, there in ((green, capacity), (yellow, left)):
        total = sum(got for got, _ in each.values())
        assert total == pytest.approx(min(max(there, 0), sum(wanted for _, wanted in each.values())), abs=NEARLY)
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


Chunk = tuple[float, str, Colour, float]


def minute(chosen: random.Random, names: list[str]) -> list[Chunk]:
    """Return chunks that come in a minute: when, whose, of which colour, and what they take; between 50 and 200 s."""
    found = list[Chunk]()
    for name in names:
        cost, much = chosen.uniform(0.0005, 0.003), chosen.choice([(1, 0), (0.2, 4), (0.1, 1), (0.5, 8)])
        for colour, part in zip(COLOURS, much, strict=True):
            number = int(part * chosen.uniform(10, 60) / len(names) / cost)
            found += [((k + 0.5) * 60 / number, name, colour, cost * chosen.uniform(0.5, 1.5)) for k in range(number)]
    return sorted(found, reverse=True)


def served(weights: dict[str, float], coming: list[Chunk]) -> dict[str, float]:
    """Return how many seconds the scheduler gives each customer in a minute of one core."""
    turns: Turns[float] = Turns(weights)
    got, now, left = dict.fromkeys(weights, 0.0), 0.0, list(coming)
    while now < 60:
        while left and left[-1][0] <= now:
            _, name, colour, cost = left.pop()
            turns.add(name, colour, cost)
        turn = turns.next()
        if turn is None:
            now = left[-1][0] if left else 60
            continue
        turns.took(turn, turn.chunk)
        now += turn.chunk
        got[turn.customer] += turn.chunk
    return got


@pytest.mark.parametrize("seed", range(12))
def test_the_scheduler_gives_what_the_rule_gives(seed: int) -> None:
    chosen = random.Random(seed)
    names = [f"tenant-{number}" for number in range(chosen.randint(2, 12))]
    weights = {name: chosen.uniform(1, 10) for name in names}
    coming = minute(chosen, names)
    wanted = {name: dict.fromkeys(COLOURS, 0.0) for name in names}
    for _, name, colour, cost in coming:
        wanted[name][colour] += cost
    rule = shares(60, {name: Demand(weights[name], **wanted[name]) for name in names})
    got = served(weights, coming)
    assert {name: got[name] / one.whole for name, one in rule.items()} == pytest.approx(
        dict.fromkeys(names, 1), abs=0.02
    )


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


def test_what_is_left_of_a_chunk_is_the_customer_s_next() -> None:
    turns: Turns[int] = Turns({"a": 1.0, "b": 1.0})
    for customer, chunk in (("a", 3), ("a", 1), ("b", 1)):
        turns.add(customer, "yellow", chunk)
    order = []
    while turn := turns.next():
        turns.took(turn, 1, turn.chunk - 1 or None)
        order.append((turn.customer, turn.chunk))
    assert order == [("a", 3), ("b", 1), ("a", 2), ("a", 1), ("a", 1)]


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
        green, bucket = mark(bucket, records, at)
        assert 0 <= green <= records
        greens.append((at, greens[-1][1] + green))
    for since, until in pairwise(range(0, len(greens), 2)):
        passed = greens[until][0] - greens[since][0]
        assert greens[until][1] - greens[since][1] <= rate * (BURST_SECONDS + passed) + NEARLY
    assert mark(full(rate, 0.0), 10_000, 0.0)[0] == int(rate * BURST_SECONDS)
