"""Which listings are not believed at once: those that suddenly show far less than before."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.tenant import SuddenLoss
from pipeline.scanning.sudden_loss import Key, Loss, pending_of
from store.rows import Gap

BUCKETS: Key = ("123456789012", "aws.s3.bucket", "global")
TOKYO: Key = ("123456789012", "aws.kms.key", "ap-northeast-1")
LIMITS = SuddenLoss()


def held(before: int, now: int, limits: SuddenLoss = LIMITS, **more: frozenset[str] | frozenset[Key]) -> str:
    known: dict[str, Any] = {"pending": frozenset(), "transient": frozenset()} | more
    loss = Loss({TOKYO: before}, **known)
    return loss.held_back({TOKYO: ""}, Counter({TOKYO: now}), limits)[TOKYO]


# How many there were, how many there are, whether that is believed.
LISTINGS = [
    (0, 0, True),
    (4, 0, True),
    (5, 0, False),
    (5, 2, False),
    (5, 3, True),
    (6, 3, True),
    (10, 4, False),
    (10, 5, True),
    (1000, 499, False),
    (1000, 500, True),
    (10, 30, True),
]


@pytest.mark.parametrize(("before", "now", "believed"), LISTINGS)
def test_less_than_half_of_five_or_more_is_not_believed(before: int, now: int, believed: bool) -> None:
    cause = held(before, now)
    assert (cause == "") == believed
    assert believed or cause == f"SuddenLoss {now}/{before}"


def test_the_limits_are_settings() -> None:
    assert held(10, 0, SuddenLoss(least=11)) == ""
    assert held(10, 0, SuddenLoss(percent=0)) == ""
    assert held(10, 9, SuddenLoss(percent=100)) != ""


def test_what_comes_and_goes_by_itself_is_believed() -> None:
    assert held(10, 0, transient=frozenset({TOKYO[1]})) == ""


def test_the_next_whole_listing_decides() -> None:
    first = held(10, 0)
    failed = Loss({TOKYO: 10}, pending_of([_gap(first)]), ()).held_back({TOKYO: "AccessDenied"}, Counter(), LIMITS)
    assert failed == {TOKYO: "AccessDenied (after SuddenLoss)"}
    assert held(10, 0, pending=pending_of([_gap(failed[TOKYO])])) == ""
    assert held(10, 0, pending=pending_of([_gap("AccessDenied")])) != "", "one that was never whole has shown nothing"


def _gap(cause: str) -> Gap:
    return Gap(*TOKYO, "", cause)


def test_resources_of_all_regions_are_counted_by_the_listing_that_shows_them() -> None:
    scope, kind, _ = BUCKETS
    before = {(scope, kind, "us-east-1"): 3, (scope, kind, "ap-northeast-1"): 3}
    loss = Loss(before, (), ())
    assert loss.held_back({BUCKETS: ""}, Counter({(scope, kind, "us-east-1"): 3}), LIMITS) == {BUCKETS: ""}
    assert loss.held_back({BUCKETS: ""}, Counter({(scope, kind, "us-east-1"): 2}), LIMITS)[BUCKETS].startswith(
        "SuddenLoss "
    )


KEYS = st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["k", "pod"]), st.sampled_from(["global", "r1", "r2"]))


@given(
    before=st.dictionaries(KEYS, st.integers(0, 20)),
    shown=st.dictionaries(KEYS, st.integers(0, 20)),
    listings=st.dictionaries(KEYS, st.sampled_from(["", "AccessDenied"])),
    pending=st.frozensets(KEYS),
)
def test_causes_are_only_added(
    before: Mapping[Key, int], shown: Mapping[Key, int], listings: Mapping[Key, str], pending: frozenset[Key]
) -> None:
    found = Loss(before, pending, {"pod"}).held_back(listings, Counter(shown), LIMITS)
    assert found.keys() == listings.keys()
    assert all(found[key].startswith(cause) for key, cause in listings.items())
    assert all(found[key] == "" for key, cause in listings.items() if not cause and (key in pending or key[1] == "pod"))
