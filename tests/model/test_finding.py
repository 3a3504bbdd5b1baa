"""A finding's life, as DESIGN's nouns and OCSF 2003 have it."""

import itertools
from typing import Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from model.finding import (
    ACTIVE,
    CATEGORIES,
    JUDGED,
    Fact,
    Finding,
    JudgedFinding,
    Source,
    Verdict,
    advance,
    as_of,
    finding_uid,
    judged,
)
from model.text import Text

MESSAGE = Text(en="open", ja="開放")


def verdict(status: str, **fields: str) -> Verdict:
    values = {"kind": "aws.s3.bucket", "resource": "arn:aws:s3:::a", "name": "a", "scope": "1", "region": "global"}
    message = MESSAGE if status == "fail" else None
    return Verdict(policy="aws.s3.x", severity="high", status=status, message=message, **(values | fields))  # type: ignore[arg-type]


def live(statuses: list[str]) -> tuple[JudgedFinding | None, list[Fact]]:
    finding: JudgedFinding | None = None
    facts = []
    for number, status in enumerate(statuses):
        finding, fact = advance(finding, verdict(status), f"t{number}")
        facts += [fact] if fact else []
    return finding, facts


@pytest.mark.parametrize(
    ("statuses", "state", "became"),
    [
        (["pass"], None, []),
        (["unknown"], None, []),
        (["fail"], "open", ["open"]),
        (["fail", "fail"], "open", ["open"]),
        (["fail", "pass"], "resolved", ["open", "resolved"]),
        (["fail", "not_applicable"], "resolved", ["open", "resolved"]),
        (["fail", "unknown"], "open", ["open"]),
        (["fail", "unknown", "pass"], "resolved", ["open", "resolved"]),
        (["fail", "pass", "unknown"], "resolved", ["open", "resolved"]),
        (["fail", "pass", "fail"], "reopened", ["open", "resolved", "reopened"]),
        (["fail", "pass", "fail", "pass"], "resolved", ["open", "resolved", "reopened", "resolved"]),
    ],
)
def test_life(statuses: list[str], state: str | None, became: list[str]) -> None:
    finding, facts = live(statuses)
    assert (finding.state if finding else None) == state
    assert [fact.became for fact in facts] == became


def test_unknown_marks_since_the_first_time_and_fail_clears_it() -> None:
    finding, _ = live(["pass", "fail", "unknown", "unknown"])
    assert finding is not None
    assert finding.unverified_since == "t2"
    seen_again, _ = advance(finding, verdict("fail"), "t9")
    assert seen_again is not None
    assert seen_again.unverified_since == ""


def test_second_sources_are_those_of_the_last_judgement() -> None:
    agrees, differs = (Source("checkov:CKV_AWS_1", "fail"),), (Source("checkov:CKV_AWS_1", "pass"),)
    first, _ = advance(None, replace(verdict("fail"), sources=agrees), "t0")
    assert first is not None
    assert (first.sources, first.updated_at) == (agrees, "t0")
    later, fact = advance(first, replace(verdict("fail"), sources=differs), "t1")
    assert later is not None
    assert (later.sources, later.updated_at, later.state, fact) == (differs, "t1", "open", None)
    unread, _ = advance(later, verdict("unknown"), "t2")
    assert unread is not None
    assert unread.sources == differs
    remediated, _ = advance(unread, replace(verdict("pass"), sources=agrees), "t3")
    assert remediated is not None
    assert (remediated.state, remediated.sources) == ("resolved", agrees)


@pytest.mark.parametrize(
    ("status", "source", "disagrees"),
    [("fail", "fail", False), ("fail", "pass", True), ("pass", "fail", True), ("pass", "pass", False),
     ("unknown", "fail", False), ("not_applicable", "pass", False)],
)  # fmt: skip
def test_two_disagree_where_they_say_the_opposite(
    status: str, source: Literal["pass", "fail"], disagrees: bool
) -> None:
    second = Source("checkov:CKV_AWS_1", source)
    assert replace(verdict(status), sources=(second,)).disagreeing == ((second,) if disagrees else ())


@given(st.lists(st.sampled_from(["pass", "fail", "unknown", "not_applicable"])))
def test_unknown_changes_no_state_and_facts_alternate(statuses: list[str]) -> None:
    finding, facts = live(statuses)
    without, reported = live([s for s in statuses if s != "unknown"])
    assert (finding.state if finding else None) == (without.state if without else None)
    assert [f.became for f in facts] == [f.became for f in reported]
    active = [fact.became in ACTIVE for fact in facts]
    assert all(a != b for a, b in itertools.pairwise(active))


def test_the_key_distinguishes_regional_settings_of_one_account_and_the_region_does_not() -> None:
    assert verdict("fail", key="a").finding_uid != verdict("fail", key="b").finding_uid
    assert verdict("fail", scope="1").finding_uid != verdict("fail", scope="2").finding_uid
    assert verdict("fail", scope="1").asset_uid != verdict("fail", scope="2").asset_uid
    assert verdict("fail", region="a").finding_uid == verdict("fail", region="global").finding_uid


@given(st.lists(st.sampled_from(["fail", "pass", "unknown"]), min_size=1, max_size=8), st.integers(0, 7))
def test_a_finding_as_of_a_moment_is_in_the_state_that_it_had_then(statuses: list[str], moment: int) -> None:
    now, facts = live(statuses)
    then, until = live(statuses[: moment + 1])
    if now is None or then is None or not until:
        return
    found = as_of(now, [fact for fact in facts if fact.at <= f"t{moment}"][-1], f"t{moment}")
    assert (found.state, found.changed_at) == (then.state, then.changed_at)
    assert found.unverified_since in ("", then.unverified_since)


@pytest.mark.parametrize(
    ("policy", "category"),
    [
        ("aws.s3.public-access-block-off", "posture"),
        ("aws.s3.own-names", "policy"),
        ("aws.s3.owned-by-nobody", "posture"),
        ("aws.s3.not-own-names", "posture"),
    ],
)
def test_a_verdict_s_category_is_whose_policy_it_is(policy: str, category: str) -> None:
    said = replace(verdict("fail"), policy=policy)
    finding, _ = advance(None, said, "t")
    assert finding is not None
    assert (said.category, finding.category) == (category, category)


def test_no_two_detectors_have_one_identity_whatever_they_call_what_they_found() -> None:
    same = {category: finding_uid(category, "1", "aws.s3.x", "arn:aws:s3:::a") for category in CATEGORIES}
    assert len(set(same.values())) == len(CATEGORIES) - 1
    assert same["posture"] == same["policy"] == verdict("fail").finding_uid
    # `printf '["1","aws.s3.x","arn:aws:s3:::a",""]' | sha256sum | cut -c1-32`: as it was before there were categories
    assert same["posture"] == "b84d0e890ea798819fa4a71db5d1164f"


def test_a_finding_of_before_is_one_of_a_configuration() -> None:
    finding, _ = advance(None, verdict("fail"), "t")
    kept = msgspec.to_builtins(finding)
    del kept["category"]
    assert msgspec.convert(kept, Finding) == finding


def test_only_what_scans_judge_is_theirs() -> None:
    finding, _ = advance(None, verdict("fail"), "t")
    assert finding is not None
    every = [replace(finding, category=category) for category in CATEGORIES]
    assert {one.category for one in judged(every)} == set(JUDGED) == {"posture", "policy"}
