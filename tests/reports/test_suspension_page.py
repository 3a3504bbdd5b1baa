"""The evidence page of a suspension: each number from the case, both languages, no other customer, no markup of others.

What the page has to say is computed here anew, from the case and as plainly as can be. A section is compared as a
whole: each number in it is expected, and each that is expected is there.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from html import unescape
from html.parser import HTMLParser
from typing import Any, get_args, get_type_hints
from xml.etree import ElementTree

import msgspec
import pytest
from msgspec.structs import replace

from contract.settings import LAYERS
from contract.suspension_texts import REASONS, STAGES
from model.canonical import encode, instant
from model.fault import Refused
from model.log_volume import Cause
from model.suspension_case import (
    CaseAdvice,
    CaseChange,
    CaseGap,
    CaseJudgement,
    CaseMinute,
    CaseNotice,
    CaseSetting,
    StandingJudgement,
    SuspensionCase,
    SuspensionStory,
)
from model.text import LANGUAGES, Language, Text
from reports.suspension_page import case_sha256, render
from reports.suspension_wording import (
    CAUSES,
    DECISIONS,
    DELIVERIES,
    GOES_ON,
    STANDINGS,
    STOPS,
    TEXTS,
    UNITS,
)
from tests.commitments import committing, plain

PROVIDER = Text(en="Hinomi Inc.", ja="株式会社火の見")
EVIL = "<script>alert(1)</script>{{ 7*7 }}&\"'"
BEGIN = datetime(2026, 11, 30, 14, 20, tzinfo=UTC)  # 23:20 in Japan: the day changes meanwhile
MINUTES, MISSING = 80, (3, 40, 41)
NUMBERS: dict[str, tuple[int, str]] = {
    "massive_percent": (250, "percent"),
    "long_minutes": (60, "minutes"),
    "late_minutes": (10, "minutes"),
    "waiting_seconds": (45, "seconds"),
    "waiting_percent": (130, "percent"),
    "waiting_minutes": (6, "minutes"),
    "disk_minutes": (25, "minutes"),
    "disk_hours": (4, "hours"),
    "disk_percent": (55, "percent"),
    "intake_percent": (24, "percent"),
    "intake_minutes": (7, "minutes"),
    "backlog_hours": (16, "hours"),
    "returns": (3, "times"),
    "watch_minutes": (1, "minutes"),
}
REASONED = [
    (reason, outcome) for reason in ("waiting", "disk", "intake", "backlog") for outcome in ("suspended", "proposed")
]


def at(minutes: float) -> str:
    return instant(BEGIN + timedelta(minutes=minutes))


def minute(number: int) -> CaseMinute:
    """Return a minute with numbers that occur nowhere else."""
    return CaseMinute(
        at=at(number),
        records=97 + number if number < 15 or number in (50, 63) else 8_011 + 37 * number,
        left_out={"own": number, "repeat": 2} | ({"catch-up": 5_003} if number == 9 else {}),
        others_p99_s=7.25 if number < 55 else 48.5 + number,
        others_records=20_017 + number,
        capacity=60_013,
        backlog=2_503 * number,
        refused=1_009 + number,
        refusing_percent=0.75 if number < 60 else 19.31 + number,
        growth_bytes=130_000_017 + 1_001 * number,
        total_growth_bytes=161_000_023 + 1_003 * number,
        free_bytes=48_000_000_000 - 180_000_019 * number,
    )


def case_of(reason: str = "waiting", outcome: Any = "suspended") -> SuspensionCase:
    settings = [
        CaseSetting(f"suspension.{key}", Text(en=f"what {key} is", ja=f"{key}とは"), value, unit, "default", "11")
        for key, (value, unit) in NUMBERS.items()
    ]
    settings[0] = replace(settings[0], layer="individual", clause="6(1)")
    is_suspended = outcome == "suspended"
    return SuspensionCase(
        id="cafe",
        tenant="aozora",
        decided_at=at(81),
        outcome=outcome,
        reason=reason,
        since=at(82),
        until=at(82 + 1440),
        committed=123,
        settings=settings,
        minutes=[minute(number) for number in range(MINUTES) if number not in MISSING],
        changes=[CaseChange(at(20), "normal", "watch", "rate"), CaseChange(at(35), "watch", "limited", "rate")],
        advice=CaseAdvice(2_000, [("s3:GetObject", 1_411), ("kms:Decrypt", 307)], [("p-aa", 1_999)]),
        edition="2026-10-02" if is_suspended else "",
        judgement=StandingJudgement("2026-09-19", "sato", "tanaka") if is_suspended else None,
        why_proposed=None if is_suspended else Text(en="no standing judgement", ja="包括的な判断なし"),
        calm_p99_s=40,
    )


def story_of(case: SuspensionCase, **other: Any) -> SuspensionStory:
    return replace(SuspensionStory(scope=case.scope, until=case.until), **other)


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
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "action", "style")]

    def handle_data(self, data: str) -> None:
        self.text += data


SVG = re.compile(r"<svg .*?</svg>", re.DOTALL)


def pictures(page: str) -> list[ElementTree.Element]:
    return [ElementTree.fromstring(one) for one in SVG.findall(page)]


def sections(page: str) -> list[str]:
    """Return the text before the first heading, and of each section with its heading; pictures are left out."""
    body = SVG.sub("", page[page.index("</header>") :])
    return [plain(unescape(re.sub(r"<[^<>]*>", " ", one))) for one in re.split(r"(?=<h2)", body)]


def tokens(text: str) -> Counter[str]:
    """Return the numbers in a text; the one of «a minute» is a word in English, and no number here in Japanese."""
    text = re.sub(r"(?<!\d)1分(?=あたり|間)", "", text)
    return Counter(re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?", text))


def day_and_time(moment: str, language: Language) -> list[str]:
    """Return the numbers of a moment in Japan as a sentence has them: in English, the month is a word."""
    local = datetime.fromisoformat(moment) + timedelta(hours=9)
    month = [str(local.month)] if language == "ja" else []
    return [str(local.year), *month, str(local.day), f"{local:%H}", f"{local:%M}"]


def stamp(moment: str) -> list[str]:
    return (datetime.fromisoformat(moment) + timedelta(hours=9)).strftime("%Y %m %d %H %M").split()


# What is expected, computed from the case alone.


def known(last: int) -> list[CaseMinute]:
    return [minute(number) for number in range(MINUTES - last, MINUTES) if number not in MISSING]


def short(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def massive(minutes: Iterable[CaseMinute]) -> int:
    return sum(one.records > 2.5 * 123 for one in minutes)


FLOOD = [str(massive(known(60))), "60", "307.5", "250", "123"]
RUN_WAITING = [one for one in known(MINUTES) if one.others_p99_s > 52]  # 130 % of 40 s are more than 45 s
RUN_INTAKE = [one for one in known(MINUTES) if one.refusing_percent > 24]
GROWN = known(25)
TOTAL, OWN = sum(one.total_growth_bytes for one in GROWN), sum(one.growth_bytes for one in GROWN)
FREE = GROWN[-1].free_bytes or 0
FULL = short(FREE / (TOTAL / 25) / 60)
PART = short(100 * OWN / TOTAL)
NEEDED = f"{TOTAL / 25 * 240 / 1e9:.2f}"
BACKLOG = known(1)[0].backlog
BACKLOG_HOURS = short(BACKLOG / 123 / 60)
WHY = {
    "waiting": ["99", str(len(RUN_WAITING)), "52", f"{48.5 + 79:g}"],
    "disk": ["25", FULL, "4", PART, "55"],
    "intake": ["24", str(len(RUN_INTAKE)), f"{19.31 + 79:.2f}"],
    "backlog": [BACKLOG_HOURS, "16"],
}
ROWS = {
    "waiting": ["45", "130", "40", "52", "6", str(len(RUN_WAITING)), "99", "127.5", "20,096", "123", "60,013"],
    "disk": ["25", f"{TOTAL / 1e9:.2f}", f"{OWN / 1e9:.2f}", PART, f"{FREE / 1e9:.2f}", "4", FULL],
    "intake": ["24", "7", str(len(RUN_INTAKE)), "98.31", f"{sum(one.refused for one in known(MINUTES)):,}"],
    "backlog": [f"{BACKLOG:,}", "16", BACKLOG_HOURS],
}
PERIOD = [*stamp(at(0)), *stamp(at(MINUTES))]
PEAK = max(known(60), key=lambda one: one.records)
CAPTION = {
    "waiting": ["99", *PERIOD, "52", str(len(RUN_WAITING)), str(len(RUN_WAITING)), "127.5", "3"],
    "disk": [*PERIOD, "48.00", f"{FREE / 1e9:.2f}", "25", f"{TOTAL / 1e9:.2f}", f"{OWN / 1e9:.2f}", NEEDED, "4", "3"],
    "intake": [*PERIOD, "24", str(len(RUN_INTAKE)), str(len(RUN_INTAKE)), "98.31", "3"],
    "backlog": [*PERIOD, f"{16 * 60 * 123:,}", f"{BACKLOG:,}", "3"],
}


def test_the_expected_is_not_trivial() -> None:
    assert (massive(known(60)), len(RUN_WAITING), len(RUN_INTAKE)) == (56, 25, 20)
    assert 0 < float(FULL) < 4 < float(BACKLOG_HOURS)
    assert known(len(RUN_WAITING)) == RUN_WAITING, "they are on end"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("reason", "outcome"), REASONED)
def test_each_number_in_the_text_is_that_of_the_case(reason: str, outcome: str, language: Language) -> None:
    case = case_of(reason, outcome)
    top, decision, measured, thresholds, left_out, impact, stages, *_ = sections(
        render(case, story_of(case), None, language)
    )
    figures = [FLOOD[0], "60", f"{PEAK.records:,}", f"{PEAK.records / 123:.1f}", "123", *_figure(reason)]
    assert tokens(top) == Counter(figures + (["60"] if language == "ja" else []))
    moments = [at(82), at(82 + 1440)] if outcome == "suspended" else [at(82 + 1440)]
    dates = [part for one in moments for part in day_and_time(one, language)]
    judged = ["2026", "10", "02", "2026", "09", "19"] if outcome == "suspended" else []
    assert tokens(decision) == Counter([*FLOOD, *WHY[reason], *dates, *judged, "11"])
    late = [str(massive(known(10))), "10"]
    peak = [*stamp(PEAK.at)[3:], f"{PEAK.records:,}"]
    assert tokens(measured) == Counter([*PERIOD, *FLOOD, *late, *peak, "3", *CAPTION[reason]])
    values = [str(value) for value, _ in NUMBERS.values()]
    assert tokens(thresholds) == Counter([*values, "1", *["11"] * (len(NUMBERS) - 1), "6", "1"])
    own, repeat = sum(range(MINUTES)) - sum(MISSING), 2 * (MINUTES - len(MISSING))
    assert tokens(left_out) == Counter([f"{own:,}", str(repeat), "5,003", "0", f"{own + repeat + 5003:,}"])
    assert tokens(impact) == Counter([*WHY[reason], *ROWS[reason]])
    assert tokens(stages) == Counter([*stamp(at(20)), *stamp(at(35))])


def _figure(reason: str) -> list[str]:
    return {
        "waiting": ["127.5", "52"],
        "disk": [FULL, "4"],
        "intake": ["98.31", "24"],
        "backlog": [BACKLOG_HOURS, "16"],
    }[reason]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("reason", "outcome"), REASONED)
def test_what_was_decided_is_said_in_words(reason: str, outcome: str, language: Language) -> None:
    case = case_of(reason, outcome)
    page = sections(render(case, story_of(case), None, language))
    what = TEXTS["was_suspended" if outcome == "suspended" else "was_proposed"]
    for text in (
        what,
        TEXTS["article"],
        *STOPS["logs"],
        *GOES_ON["logs"],
    ):
        assert text.of(language) in page[1]
    why = REASONS[reason].of(language)
    assert why[0].upper() + why[1:] in page[1]
    grounds = ("sato", "tanaka") if outcome == "suspended" else (TEXTS["no_grounds"].of(language), "包括的な判断なし")
    assert grounds[0] in page[1]
    assert (TEXTS["not_yet"].of(language) in page[1]) is (outcome == "proposed")
    assert TEXTS["fees_text" if outcome == "suspended" else "fees_proposed"].of(language) in page[10]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("outcome", "judged", "ended", "standing"),
    [
        ("suspended", "", "", "suspended"),
        ("suspended", "extended", "", "suspended"),
        ("suspended", "lifted", at(900), "ended"),
        ("proposed", "", "", "proposed"),
        ("proposed", "confirmed", "", "suspended"),
        ("proposed", "confirmed", at(900), "ended"),
        ("proposed", "", at(900), "closed"),
    ],
)
def test_where_a_case_stands_now(outcome: str, judged: str, ended: str, standing: str, language: Language) -> None:
    case = case_of(outcome=outcome)
    judgements = [CaseJudgement(at(200), "yamada", judged, "because")] if judged else []
    page = render(case, story_of(case, judgements=judgements, ended_at=ended, until=at(4000)), None, language)
    is_suspension = standing in ("suspended", "ended")
    assert f'standing {standing}">{STANDINGS[standing].of(language)}<' in page
    assert f"<h1>{TEXTS['title' if is_suspension else 'title_proposed'].of(language)}</h1>" in page
    decision, people = sections(page)[1], sections(page)[7]
    assert tokens(decision) & Counter(day_and_time(at(4000), language)) == Counter(day_and_time(at(4000), language))
    since = re.findall(f"<dt>{TEXTS['since'].of(language)}</dt><dd>(.*?)</dd>", page)
    begun = [at(82) if outcome == "suspended" else at(200)] if is_suspension else []  # a proposal once it was confirmed
    assert list(map(tokens, since)) == [Counter(day_and_time(one, language)) for one in begun]
    if judged:
        assert all(word in people for word in ("yamada", DECISIONS[judged].of(language), "because"))
        assert tokens(people) == Counter(stamp(at(200)))
        assert ("yamada" in decision) is (judged == "confirmed")
    else:
        assert TEXTS["no_people"].of(language) in people
    if outcome == "suspended":
        assert TEXTS["as_decided"].of(language).split("{")[0].rstrip("：: ") in decision


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_wider_scope_stands_with_the_one_as_decided(language: Language) -> None:
    case = case_of()
    decision = sections(render(case, story_of(case, scope="service"), None, language))[1]
    for text in (*STOPS["service"], *GOES_ON["service"], TEXTS["scope_service"], TEXTS["scope_logs"]):
        assert text.of(language) in decision
    assert set(STOPS["service"]) > set(STOPS["logs"])
    assert GOES_ON["logs"][1].of(language) not in decision


@pytest.mark.parametrize("language", LANGUAGES)
def test_thresholds_are_shown_with_unit_layer_and_clause(language: Language) -> None:
    case = case_of()
    page = render(case, story_of(case), None, language)
    rows = re.findall(r"<tr>(.*?)</tr>", page[page.index('<table class="dense">') :].split("</table>")[0], re.DOTALL)[
        1:
    ]
    assert len(rows) == len(case.settings)
    for row, one in zip(rows, case.settings, strict=True):
        cells = [plain(re.sub(r"<[^<>]*>", " ", cell)) for cell in re.findall(r"<td.*?</td>", row)]
        unit = UNITS[one.unit][one.value != 1].of(language)
        clause = {"en": {"11": "Article 11", "6(1)": "Article 6(1)"}, "ja": {"11": "第11条", "6(1)": "第6条第1項"}}
        value = f"{one.value} {unit}" if language == "en" else f"{one.value}{unit}"
        assert cells == [
            f"{one.text.of(language)} {one.key}",
            value,
            LAYERS[one.layer].of(language),
            clause[language][one.clause],
        ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_gaps_and_notices_are_accounted_for_and_the_unknown_is_no_nought(language: Language) -> None:
    gaps = [
        CaseGap("trail", 1_204, 3_104_221_004, 7),
        CaseGap("push", 88, None, 41_022),
        CaseGap("flow", None, 5_000, 0),
        CaseGap("audit", 0, None),
    ]
    notices = [
        CaseNotice("customer", "mail", "sent", at(83)),
        CaseNotice("staff", "chat", "failed", "", "HTTP refused"),
    ]
    case = case_of()
    page = sections(render(case, story_of(case, gaps=gaps, notices=notices), None, language))
    unknown = TEXTS["unknown"].of(language)
    assert f"trail 1,204 3.10 GB 7 push 88 {unknown} 41,022 flow {unknown} 5.00 kB 0 audit 0 {unknown} 0 " in page[9]
    assert tokens(page[9].split(f"audit 0 {unknown} 0 ")[1]) == Counter(["1,292", "1", "3.10", "2", "41,029"])
    sent, failed = (DELIVERIES[state].of(language) for state in ("sent", "failed"))
    assert f"mail {sent} {'-'.join(stamp(at(83))[:3])} " in page[8]
    assert f"chat {failed} HTTP refused" in page[8]
    assert tokens(page[8]) == Counter(stamp(at(83)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_hash_is_that_of_the_case_and_pseudonyms_are_said_to_be_keyed(language: Language) -> None:
    case = case_of()
    spelled = json.dumps(msgspec.to_builtins(case), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    page = sections(render(case, story_of(case), None, language))
    assert case_sha256(case) == hashlib.sha256(spelled.encode()).hexdigest()
    assert case_sha256(case) in page[12]
    assert "鍵" in page[11] or "key" in page[11]
    assert tokens(page[11].replace("s3:", "")) == Counter(["2,000", "1,411", "70.5", "307", "15.3", "1,999", "99.9"])
    assert case_sha256(case) != case_sha256(replace(case, committed=124))


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_minute_stands_in_the_appendix(language: Language) -> None:
    case = case_of()
    appendix = sections(render(case, story_of(case), None, language))[13]
    for number in range(MINUTES):
        one, clock = minute(number), ":".join(stamp(at(number))[3:])
        mark = " ●" if one.records > 307.5 else ""
        cells = f"{one.records:,} {sum(one.left_out.values()):,} {one.others_p99_s:g}"
        assert f"{clock}{mark} {cells}" in appendix or number in MISSING
    assert appendix.count(TEXTS["not_measured"].of(language)) == len(MISSING)
    assert appendix.count("●") == massive(known(MINUTES)) + 1  # one explains it


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", ["waiting", "disk", "intake", "backlog", "massive"])
def test_pictures_are_well_formed_and_show_each_minute_that_was_measured(reason: str, language: Language) -> None:
    case = case_of(reason)
    found = pictures(render(case, story_of(case), None, language))
    assert len(found) == (1 if reason == "massive" else 2)
    for svg in found:
        points = [one.get("points", "").split() for one in svg.iter() if one.get("class") == "values"]
        assert list(map(len, points)) == [3, 36, 38]  # before, between and after what is missing
        texts = [one.text for one in svg if one.tag.endswith(("title", "desc"))]
        assert all(texts)
    shown = [one.get("class") for one in found[0].iter() if one.tag.endswith("circle")]
    assert shown.count("marked") == massive(known(MINUTES))
    # From 97 records to 10,934 the scale is 10 to 100,000, four decades on 184: the first is at log10(97 / 10) / 4.
    first = next(one for one in found[0].iter() if one.tag.endswith("circle"))
    assert (first.get("cx"), first.get("cy")) == ("68.20", "180.61")
    assert [one.text for one in found[0].iter() if one.get("class") == "event" and one.text] == [
        STAGES[stage].of(language) for stage in ("watch", "limited")
    ]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("outcome", ["suspended", "proposed"])
def test_texts_of_others_stay_texts_and_nothing_is_loaded(outcome: str, language: Language) -> None:
    evil = Text(en=EVIL, ja=EVIL)
    case = replace(
        case_of(outcome=outcome),
        id=EVIL, tenant=EVIL, edition=EVIL, why_proposed=evil,
        judgement=StandingJudgement(EVIL, EVIL, EVIL) if outcome == "suspended" else None,
        settings=[*case_of().settings, CaseSetting(EVIL, evil, 1, EVIL, EVIL, EVIL)],
        changes=[CaseChange(at(20), EVIL, f"\x0b{EVIL}", EVIL)],
        advice=CaseAdvice(2, [(EVIL, 1)], [(EVIL, 1)]),
    )  # fmt: skip
    story = story_of(
        case,
        judgements=[CaseJudgement(at(90), EVIL, "confirmed", EVIL), CaseJudgement(at(90), EVIL, EVIL, EVIL)],
        notices=[CaseNotice("customer", EVIL, "failed", "", EVIL)],
        gaps=[CaseGap(EVIL, 1, 1)],
    )
    page = render(case, story, evil, language)
    found = Tags(page)
    assert "script" not in found.tags
    assert found.addresses == []
    assert "default-src 'none'" in page
    assert found.text.count(EVIL) > 20
    assert "49" not in sections(page)[0]
    assert len(pictures(page)) == 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_of_another_customer_has_a_name(language: Language) -> None:
    """What is kept of others are numbers; a cause that is none of ours is summed up and not named."""
    kept = get_type_hints(CaseMinute)
    assert {kept.pop("at"), *kept.values()} - {int, int | float, str, int | None} == {kept["left_out"]}
    case = case_of()
    case = replace(case, minutes=[*case.minutes[:-1], replace(case.minutes[-1], left_out={"nagisa-bank": 7_777})])
    page = render(case, story_of(case), None, language)
    assert "nagisa" not in page
    assert f"{TEXTS['other_causes'].of(language)} 7,777" in sections(page)[4]


def test_each_cause_that_is_not_counted_has_words() -> None:
    assert {*CAUSES, "customer"} == {*get_args(Cause)}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("reason", "outcome"), [*REASONED, ("massive", "suspended")])
def test_pages_are_the_same_each_time_and_commit_to_nothing(reason: str, outcome: str, language: Language) -> None:
    case = replace(case_of(reason, outcome), advice=CaseAdvice(0))
    page = render(case, story_of(case), PROVIDER, language)
    kept = msgspec.json.decode(encode(case), type=SuspensionCase)
    assert page == render(kept, story_of(kept), PROVIDER, language)
    assert committing(" ".join(sections(page))) == []
    assert PROVIDER.of(language) in page
    assert "{" not in "".join(sections(page)), "each place of a text is filled"
    assert TEXTS["no_sample"].of(language) in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_until_it_is_lifted_is_said_where_there_is_no_end(language: Language) -> None:
    case = replace(case_of(), until="")
    assert TEXTS["until_lifted"].of(language) in sections(render(case, story_of(case), None, language))[1]


@pytest.mark.parametrize(
    ("case", "problem"),
    [
        (replace(case_of(), settings=case_of().settings[1:]), "the case cafe has no suspension.massive_percent"),
        (replace(case_of(), minutes=()), "the case cafe has no minutes"),
    ],
)
def test_a_case_that_lacks_what_the_page_goes_by_is_refused(case: SuspensionCase, problem: str) -> None:
    with pytest.raises(Refused, match=f"^{problem}$"):
        render(case, story_of(case), None, "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_divided_by_a_rate_of_nothing(language: Language) -> None:
    for reason in ("waiting", "disk", "intake", "backlog"):
        case = replace(case_of(reason), committed=0)
        assert "inf" not in sections(render(case, story_of(case), None, language))[0]
