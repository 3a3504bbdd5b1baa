"""The stages between facts and deliveries; every fact ends in exactly one alert or one drop."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from model.alert import News
from model.finding import CATEGORIES, WITHDRAWN, State
from model.text import Text
from notifier.stages import run
from tests.facts import context, news


def test_findings_of_a_policy_become_one_alert() -> None:
    flow = run([news(1, "a"), news(2, "b"), news(3, "c", policy="q")], context("low"))
    assert sorted(len(alert.items) for alert, _ in flow.alerts) == [1, 2]
    assert len(flow.deliveries) == 2


def test_new_and_resolved_are_distinguished() -> None:
    flow = run([news(1, "a"), news(2, "b", "resolved")], context("low", notified=frozenset({"b"})))
    assert {alert.became for alert, _ in flow.alerts} == {"open", "resolved"}


def test_who_is_notified_late_reads_how_it_is() -> None:
    flow = run([news(1, "a"), news(2, "a", "resolved"), news(3, "a", "reopened")], context("low"))
    assert [alert.became for alert, _ in flow.alerts] == ["reopened"]
    assert flow.dropped == (("superseded by a later fact", (1, 2)),)


def test_what_came_and_went_unnotified_is_dropped_with_its_reason() -> None:
    flow = run([news(1, "a"), news(2, "a", "resolved")], context("low"))
    assert flow.alerts == ()
    assert dict(flow.dropped) == {"superseded by a later fact": (1,), "resolved before anybody was told": (2,)}


def test_what_nobody_watches_any_more_is_no_good_news() -> None:
    gone = news(1, "a", "resolved")
    unwatched = replace(gone, finding=replace(gone.finding, resolved_because="no longer watched"))
    flow = run([unwatched], context("low", notified=frozenset({"a"})))
    assert (flow.alerts, flow.dropped) == ((), (("no longer watched", (1,)),))


def withdrawn(number: int, finding: str, policy: str = "p") -> News:
    gone = news(number, finding, "resolved", policy)
    return replace(gone, finding=replace(gone.finding, resolved_because=WITHDRAWN))


def test_who_was_told_of_a_finding_is_told_that_its_policy_was_withdrawn() -> None:
    told = context("low", notified=frozenset({"a", "b"}))
    flow = run([withdrawn(1, "a"), news(2, "b", "resolved"), withdrawn(3, "c")], told)
    assert {(alert.because, len(alert.items)) for alert, _ in flow.alerts} == {(WITHDRAWN, 1), ("", 1)}
    assert flow.dropped == (("resolved before anybody was told", (3,)),)


def test_a_policy_without_texts_is_called_by_its_id_where_it_was_withdrawn() -> None:
    known, gone = (
        run([withdrawn(1, "a", policy)], context("low", notified=frozenset({"a"}))).alerts[0][0]
        for policy in ("p", "aws.s3.own-names")
    )
    assert known.title == Text(en="t", ja="題")
    assert gone.title == Text(en="Findings of the policy aws.s3.own-names", ja="ポリシーaws.s3.own-namesの検出事項")


def test_categories_are_never_mixed_in_an_alert() -> None:
    every = [news(number, str(number), category=category) for number, category in enumerate(CATEGORIES)]
    flow = run(every, context("low"))
    assert {alert.category: alert.items[0].finding for alert, _ in flow.alerts} == {
        category: str(number) for number, category in enumerate(CATEGORIES)
    }
    assert [len(alert.items) for alert, _ in flow.alerts] == [1] * len(CATEGORIES)


def test_channels_are_notified_from_their_severity_on() -> None:
    flow = run([news(1, "a", severity="high")], context("critical", "high", "low"))
    assert [delivery.channel for delivery in flow.deliveries] == ["c1", "c2"]


FACTS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["open", "resolved", "reopened"]), st.sampled_from("pq")),
    max_size=12,
)


@given(FACTS, st.sets(st.sampled_from("abc")))
def test_nothing_is_lost_and_nothing_counted_twice(facts: list[tuple[str, State, str]], notified: set[str]) -> None:
    all_news = [news(n, finding, became, policy) for n, (finding, became, policy) in enumerate(facts)]
    flow = run(all_news, context("low", notified=frozenset(notified)))
    settled = [i for _, ids in flow.alerts for i in ids] + [i for _, ids in flow.dropped for i in ids]
    assert sorted(settled) == list(range(len(facts)))
    assert len({delivery.key for delivery in flow.deliveries}) == len(flow.deliveries)


@given(FACTS)
def test_the_order_of_grouping_changes_no_alert_id(facts: list[tuple[str, State, str]]) -> None:
    unique = {finding: (finding, became, policy) for finding, became, policy in facts}
    all_news = [news(n, *values) for n, values in enumerate(unique.values())]
    ids = {alert.id for alert, _ in run(all_news, context("low")).alerts}
    assert ids == {alert.id for alert, _ in run(all_news[::-1], context("low")).alerts}
