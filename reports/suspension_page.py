"""The evidence page of a suspension because of massive logs (Article 11): one HTML page without a script, for A4 too.

It says what was decided, on which measurements, and what came of it. What it shows of other customers are totals.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from contract.settings import LAYERS
from contract.suspension_texts import REASONS, STAGES
from model.canonical import encode
from model.suspension_case import CaseGap, CaseJudgement, CaseSetting, SuspensionCase, SuspensionStory
from model.text import Language, Text, clause_ja
from reports import suspension_impact as impact
from reports import suspension_numbers as numbers
from reports.charts import draw, number, size
from reports.pages import page
from reports.suspension_charts import clock, impact_chart, step_moment, volume_chart, volume_sentence
from reports.suspension_wording import (
    ADVICE,
    CAUSES,
    DECISIONS,
    DELIVERIES,
    FIGURES,
    GOES_ON,
    RECIPIENTS,
    STANDINGS,
    STOPS,
    TEXTS,
    counted,
    worded,
)

_COLUMNS = 2
# A committed rate that nobody agreed is what was observed.
_LAYERS: Mapping[str, Text] = {**LAYERS, "observed": Text(en="observed", ja="実績値")}


class CaseStanding(Struct, frozen=True):
    """Where a case stands now: a suspension or a proposal, since and until when, and who confirmed it."""

    standing: str
    is_suspension: bool
    since: str
    until: str
    confirmed: CaseJudgement | None


class MinuteRow(Struct, frozen=True):
    """A minute of the appendix: when it began, and its cells; without any it was not measured."""

    at: str
    cells: tuple[str, ...] = ()
    is_massive: bool = False


def case_sha256(case: SuspensionCase) -> str:
    """Return the SHA-256 of a case as canonical JSON, in hex: the audit chain has the same."""
    return hashlib.sha256(encode(case)).hexdigest()


def render(case: SuspensionCase, story: SuspensionStory, provider: Text | None, language: Language) -> str:
    """Return the page of a case with its story until now, which names the provider where there is one, in a language.

    Texts of customers are escaped. Raises `Refused` where the case lacks minutes, or a threshold that it goes by.
    """
    charts = (volume_chart(case, language), impact_chart(case, language))
    words = _words(language)
    return page(
        "suspension.html",
        language,
        provider,
        **words,
        **_decided(case, story, language),
        case=case,
        story=story,
        charts=[(chart, draw(chart)) for chart in charts if chart],
        individual=sum(one.layer == "individual" for one in case.settings),
        causes=_causes(case, language),
        impact=impact.rows(case, language),
        gaps=[_gap(one, language) for one in story.gaps],
        gap_total=_gap_total(story.gaps, language),
        samples=(("event_type", case.advice.types), ("principal", case.advice.principals)),
        sha256=case_sha256(case),
        begin=numbers.begin(case).isoformat(),
        columns=_heads(case, language),
        parts=_parts(list(_rows(case))),
    )


def sentence(text: str) -> str:
    """Return a text as one that begins a line."""
    return text[:1].upper() + text[1:]


def _words(language: Language) -> dict[str, object]:
    """Return the fixed texts in a language, and what puts names and numbers that are on record into words."""

    def of(words: Mapping[str, Text]) -> dict[str, str]:
        return {name: text.of(language) for name, text in words.items()}

    def threshold(one: CaseSetting) -> str:
        return counted(one.unit, one.value, language)

    def clause(one: CaseSetting) -> str:
        return clause_ja(one.clause) if language == "ja" else f"Article {one.clause}"

    return {
        "t": of(TEXTS),
        "standings": of(STANDINGS),
        "recipients": of(RECIPIENTS),
        "deliveries": of(DELIVERIES),
        "advice": [one.of(language) for one in ADVICE],
        "threshold": threshold,
        "clause": clause,
        "number": number,
        "share": lambda part, whole: counted("percent", 1000 * part // whole / 10, language),  # never rounded up
        "layer": lambda name: worded(_LAYERS, name).of(language),
        "stage": lambda name: worded(STAGES, name).of(language),
        "reason": lambda name: sentence(worded(REASONS, name).of(language)),
        "decision": lambda name: worded(DECISIONS, name).of(language),
    }


def _decided(case: SuspensionCase, story: SuspensionStory, language: Language) -> dict[str, object]:
    """Return what the page says first: the decision, its scope, and why."""
    return {
        "outcome": _outcome(case, story),
        "what": _what(case).of(language),
        "flood": volume_sentence(case, language),
        "why": impact.sentence(case, language),
        "figures": list(_figures(case, language)),
        "stops": [one.of(language) for one in STOPS[story.scope]],
        "goes_on": [one.of(language) for one in GOES_ON[story.scope]],
    }


def _outcome(case: SuspensionCase, story: SuspensionStory) -> CaseStanding:
    """Return where a case stands: a proposal that was confirmed is a suspension since then."""
    confirmed = next((one for one in story.judgements if one.decision == "confirmed"), None)
    is_suspension = case.outcome == "suspended" or confirmed is not None
    standing = ("suspended", "ended") if is_suspension else ("proposed", "closed")
    since = confirmed.at if confirmed and case.outcome == "proposed" else case.since
    return CaseStanding(standing[bool(story.ended_at)], is_suspension, since, story.until, confirmed)


def _what(case: SuspensionCase) -> Text:
    if case.outcome == "proposed":
        return TEXTS["was_proposed"]
    return TEXTS["was_suspended"] if case.judgement else TEXTS["was_confirmed"]


def _figures(case: SuspensionCase, language: Language) -> Iterator[tuple[str, str]]:
    """Yield the values that matter most, each with what it is."""
    found = numbers.volume(case)
    yield f"{found.massive} / {found.window}", FIGURES["massive"].of(language).format(found.window)
    factor = numbers.times(found.peak.records, case.committed)
    peak = FIGURES["peak_alone"] if factor is None else FIGURES["peak"]
    yield number(found.peak.records), peak.of(language).format(f"{factor or 0:,.1f}")
    yield number(case.committed), FIGURES["committed"].of(language)
    if one := impact.figure(case, language):
        yield one


def _causes(case: SuspensionCase, language: Language) -> list[tuple[str, int]]:
    """Return how many records were not counted, by cause in words; what has no words is summed up without its name."""
    found = numbers.left_out(case)
    known = [(text.of(language), found[cause]) for cause, text in CAUSES.items()]
    other = sum(amount for cause, amount in found.items() if cause not in CAUSES)
    return [*known, *([(TEXTS["other_causes"].of(language), other)] if other else [])]


def _gap(one: CaseGap, language: Language) -> tuple[str, str, str, str]:
    """Return a gap as its cells: what is not known is said to be unknown."""
    unknown = TEXTS["unknown"].of(language)
    things = unknown if one.things is None else number(one.things)
    return one.source, things, unknown if one.bytes is None else size(one.bytes), number(one.filled)


def _gap_total(gaps: Sequence[CaseGap], language: Language) -> tuple[str, str, str]:
    """Return the sums of gaps as cells; beside them stands of how many sources something is unknown."""
    found = numbers.gaps_together(gaps)

    def beside(known: str, unknown: int) -> str:
        said = TEXTS["unknown_too"].of(language)
        return said.format(known=known, unknown=unknown) if unknown else known

    things = beside(number(found.things), found.unknown_things)
    return things, beside(size(found.bytes), found.unknown_bytes), number(found.filled)


def _heads(case: SuspensionCase, language: Language) -> list[str]:
    """Return the heads of the appendix."""
    affected = impact.column(case)
    heads = [TEXTS["minute"], TEXTS["records"], TEXTS["uncounted"], *([affected[0]] if affected else [])]
    return [one.of(language) for one in heads]


def _rows(case: SuspensionCase) -> Iterator[MinuteRow]:
    """Yield each minute from the first to the last."""
    affected = impact.column(case)
    for step, one in enumerate(numbers.line_up(case)):
        at = clock(step_moment(case, step))
        if one is None:
            yield MinuteRow(at)
            continue
        cells = (number(one.records), number(sum(one.left_out.values())))
        yield MinuteRow(at, (*cells, affected[1](one)) if affected else cells, numbers.is_massive(case, one))


def _parts(rows: Sequence[MinuteRow]) -> list[Sequence[MinuteRow]]:
    """Return rows in so many parts, which stand beside each other."""
    length = -(-len(rows) // _COLUMNS)
    return [rows[begin : begin + length] for begin in range(0, len(rows), length)]
