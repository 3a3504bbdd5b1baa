"""The report: its numbers, its order, its two languages, its safety."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from model.coverage import DayGaps, LogCoverage, LogGap, SourceDay
from model.finding import CATEGORY_WORDS, JUDGED, Category, Finding, Severity, Source, State
from model.suppression import Suppression
from model.text import LANGUAGES, Language, Text
from reports.html import render
from reports.proposals import Advice, propose
from reports.report import LookedAt, Report, Subject, build
from reports.wording import SEVERITY, STATE, TEXTS
from store.rows import Gap, Run

TEXT = Text(en="fix it", ja="直す")
EVIL = "<script>alert(1)</script>{{ 7*7 }}"


def finding(policy: str, resource: str, severity: Severity, state: State = "open", unverified: str = "") -> Finding:
    return Finding(
        uid=f"{policy}{resource}", asset_uid=resource, policy=policy, severity=severity, kind="k", resource=resource,
        name=EVIL, scope="1", region="global", state=state, message=Text(en=EVIL, ja=EVIL), elements=(),
        opened_at="2026-06-01T16:00:00.000000Z", changed_at="t", unverified_since=unverified,
    )  # fmt: skip


def advice(policy: str, severity: Severity, hours: float, remedy: str = "") -> Advice:
    return Advice(
        policy, severity, Text(en=f"title {policy}", ja=f"題 {policy}"), TEXT, TEXT, remedy or policy, hours, ()
    )


ADVICE = {
    "ssh": advice("ssh", "high", 0.5, "restrict"),
    "all": advice("all", "critical", 1.0, "restrict"),
    "mfa": advice("mfa", "high", 0.5),
    "zones": advice("zones", "medium", 2.0),
}
FINDINGS = [
    finding("ssh", "g1", "high"),
    finding("all", "g1", "critical"),
    finding("ssh", "g2", "high"),
    finding("mfa", "u1", "high", "reopened"),
    finding("zones", "d1", "medium", unverified="2026-06-02T00:00:00Z"),
]

DAYS = ("2026-06-01", "2026-06-02")
WHY = Text(en=f"why {EVIL}", ja=f"由 {EVIL}")
GAP = LogGap("2026-06-01T00:00:00.000000Z", "2026-06-01T01:00:00.000000Z", "contract", WHY, "11")
LOGS = LogCoverage(
    *DAYS,
    [
        SourceDay("aws.cloudtrail", DAYS[0], "heard", received=12_345, analysed=12_340, waiting=5),
        SourceDay("aws.cloudtrail", DAYS[1], "not heard", waiting_before=5, waiting=5),
    ],
    [DayGaps(day, 0, 0) for day in DAYS],
    [GAP],
)


def test_scores_follow_the_printed_formula() -> None:
    # Σ weight × resources ÷ hours, by hand: (5·2 + 10·1) ÷ 1 = 20; 5·1 ÷ 0.5 = 10; 2·1 ÷ 2 = 1
    proposals = propose(FINDINGS, ADVICE)
    assert [(p.remedy, p.score, p.assets) for p in proposals] == [
        ("restrict", 20.0, 2),
        ("mfa", 10.0, 1),
        ("zones", 1.0, 1),
    ]
    assert proposals[0].lead.policy == "all"
    assert [a.policy for a in proposals[0].also] == ["ssh"]


@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(ADVICE)), st.sampled_from("abc"), st.sampled_from(["high", "low"])),
        unique_by=lambda t: t[:2],
    )
)
def test_every_finding_is_in_exactly_one_proposal(drawn: list[tuple[str, str, Severity]]) -> None:
    proposals = propose([finding(*values) for values in drawn], ADVICE)
    assert sum(sum(p.by_severity.values()) for p in proposals) == len(drawn)
    assert [p.score for p in proposals] == sorted((p.score for p in proposals), reverse=True)


def report(findings: list[Finding], gaps: list[Gap]) -> Report:
    verdicts = {"pass": 1999, "fail": 1, "unknown": 1, "not_applicable": 3}
    run = Run("r", "j", "s", "t", "2026-06-01T16:00:00.000000Z", {"verdicts": verdicts, "assets": 7})
    subject = Subject("aozora", Text(en=EVIL, ja=EVIL), ("123456789012",))
    return build(subject, LookedAt(run, gaps, LOGS), findings, ADVICE, "2026-06-01T16:00:00.000000Z")


GAPS = [Gap("1", "aws.s3.bucket", "global", "Policy", "s3:GetBucketPolicy AccessDenied", 3)]


class Tags(HTMLParser):
    """Gathers tags, addresses and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "action")]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("language", LANGUAGES)
def test_customers_texts_stay_texts_and_nothing_is_loaded(language: Language) -> None:
    page = Tags(render(report(FINDINGS, GAPS), language))
    assert "script" not in page.tags
    assert page.addresses == []
    assert EVIL in page.text


@pytest.mark.parametrize(("language", "words"), [("en", "no part of the contract"), ("ja", "含まれていません")])
def test_a_report_without_proposals_in_the_contract_says_so(language: Language, words: str) -> None:
    made = replace(report(FINDINGS, GAPS), proposes=False, proposals=())
    text = Tags(render(made, language)).text
    assert words in text
    assert words not in Tags(render(report(FINDINGS, GAPS), language)).text
    assert TEXTS["formula"].of(language) not in text


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "Other checks: checkov:CKV_AWS_24: no fault"), ("ja", "他ツールの判定: checkov:CKV_AWS_24: 不備なし")],
)
def test_a_second_source_stands_beside_the_finding(language: Language, words: str) -> None:
    found = replace(FINDINGS[0], sources=(Source("checkov:CKV_AWS_24", "pass"),))
    assert words in Tags(render(report([found], GAPS), language)).text
    assert words.split(":")[0] not in Tags(render(report(FINDINGS, GAPS), language)).text


@pytest.mark.parametrize(
    ("language", "words"), [("en", "until the next complete"), ("ja", "削除されたものとしては扱いません")]
)
def test_what_a_sudden_loss_is_stands_below_the_gaps(language: Language, words: str) -> None:
    lost = Gap("1", "aws.s3.bucket", "global", "", "SuddenLoss 2/12")
    assert words in Tags(render(report([], [*GAPS, lost]), language)).text
    assert words not in Tags(render(report([], GAPS), language)).text


def test_days_are_those_of_japan() -> None:
    assert "2026-06-02" in Tags(render(report(FINDINGS, []), "en")).text
    assert "2026年6月2日 01:00" in Tags(render(report(FINDINGS, []), "ja")).text


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_findings_are_never_shown_without_the_coverage(language: Language) -> None:
    page = Tags(render(report([], GAPS), language)).text
    assert TEXTS["nothing_found"].of(language) in page
    assert "s3:GetBucketPolicy AccessDenied" in page


def of(category: Category, number: int = 1) -> list[Finding]:
    return [replace(finding("ssh", f"{category}{n}", "high"), category=category) for n in range(number)]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("category", sorted(CATEGORY_WORDS))
def test_categories_are_counted_where_there_is_more_than_one(language: Language, category: Category) -> None:
    made = report([*FINDINGS, *of(category, 3)], [])
    page, plain = (Tags(render(one, language)).text for one in (made, report(FINDINGS, [])))
    alone = category == "posture"
    assert made.by_category == {"posture": len(FINDINGS) + 3 * alone} | ({} if alone else {category: 3})
    assert (TEXTS["by_category"].of(language) in page) is not alone
    assert (TEXTS["listed_elsewhere"].of(language) in page) is (category not in JUDGED)
    assert sum(made.by_severity.values()) == len(FINDINGS) + 3 * (category in JUDGED), "what is listed is of policies"
    assert TEXTS["by_category"].of(language) not in plain


def test_a_report_on_threats_alone_does_not_say_that_nothing_was_found() -> None:
    page = Tags(render(report(of("threat", 2), []), "en")).text
    assert TEXTS["nothing_found"].en not in page
    assert TEXTS["by_category"].en in page
    suppressed = [replace(one, state="suppressed") for one in of("threat")]
    assert TEXTS["nothing_found"].en in Tags(render(report(suppressed, []), "en")).text


def test_the_share_of_what_is_known_is_never_rounded_up() -> None:
    assert report([], []).coverage.known_percent == 99.9


def test_each_text_exists_in_both_languages() -> None:
    for text in (*TEXTS.values(), *SEVERITY.values(), *STATE.values(), *CATEGORY_WORDS.values()):
        assert text.en.strip()
        assert re.search(r"[぀-鿿]", text.ja)


def test_what_is_accepted_stands_apart_and_is_not_counted() -> None:
    exception = Suppression("e", f"jump host {EVIL}", "sato", "2026-06-01T00:00:00Z", "2026-12-31T14:59:59.999999Z")
    accepted = replace(finding("ssh", "g3", "high"), state="suppressed", suppressed_by="e")
    run = Run("r", "j", "s", "t", "2026-06-01T16:00:00.000000Z", {"verdicts": {"fail": 6}, "assets": 7})
    subject = Subject("aozora", Text(en="A", ja="ア"), ("123456789012",), {"e": exception})
    made = build(subject, LookedAt(run, [], LOGS), [*FINDINGS, accepted], ADVICE, "2026-06-01T16:00:00.000000Z")
    assert sum(made.by_severity.values()) == len(FINDINGS)
    assert [(b.advice.policy, [f.resource for f in b.findings]) for b in made.accepted] == [
        ("ssh", [accepted.resource])
    ]
    for language, heading, day in (
        ("en", "Exceptions", "2026-12-31"),
        ("ja", "例外として許容している検出事項", "2026"),
    ):
        page = render(made, language)  # type: ignore[arg-type]
        assert heading in page
        assert day in page
        assert "sato" in page
        assert EVIL not in page


@pytest.mark.article(12)
@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("12,345", "1 / 2", "unknown", f"why {EVIL} (Article 11)", "2026-06-01 09:00", "from 2026-06-01 to")),
        ("ja", ("12,345", "1 / 2", "不明", f"由 {EVIL}（第11条）", "2026-06-01 09:00", "2026-06-01から2026-06-02まで")),
    ],
)
def test_a_report_says_what_was_covered_of_logs_with_its_gaps(language: Language, words: tuple[str, ...]) -> None:
    made = report(FINDINGS, GAPS)
    text = Tags(render(made, language)).text
    section = text[text.index(TEXTS["logs"].of(language)) :]
    assert [word for word in words if word not in section] == []
    silent = replace(made, logs=LogCoverage(*DAYS, [], [], []))
    assert TEXTS["no_logs"].of(language) in Tags(render(silent, language)).text
