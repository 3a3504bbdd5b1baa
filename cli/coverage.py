"""`hinomi coverage`: what of a tenant was covered, and what was not."""

import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import DEFAULT_HOME, HomeOption, LanguageOption, TenantName, TextOrJson, open_authorizer, open_world
from model.text import Language, Text
from reports.covered import ALWAYS, COLUMNS, STATES, gap_text, moment, unfetched_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from model.coverage import LogCoverage, Period, SourceDay
    from pipeline.access.authorization import Authorizer
    from pipeline.tenants.coverage import ScanDay

app = typer.Typer()

OnDay = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="of this day alone (Asia/Tokyo)")]
_TEXTS: dict[str, Text] = {
    "day": Text("day", "日"),
    "state": Text("state", "状態"),
    "unfetched": Text("not fetched", "未取得"),
    "unknown": Text("unknown", "不明"),
    "none": Text("no scan", "診断なし"),
    "ended": Text("scan ended", "診断終了"),
    "judged": Text("judged", "判定できた割合"),
    "scopes": Text("accounts", "アカウント"),
}


@app.command()
def coverage(
    tenant: TenantName,
    on: OnDay = None,
    month: Annotated[str, typer.Option(help="of this month, as 2026-06, as far as it has come")] = "",
    ask: Annotated[bool, typer.Option("--ask", help="ask the clouds first what was not fetched, and keep it")] = False,
    language: LanguageOption = "en",
    format: TextOrJson = "text",
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Show what was covered of a tenant's logs and configurations, and what was not: of the last seven days."""
    import msgspec

    from pipeline.clock import SystemClock
    from pipeline.tenants.coverage import coverage_in, period_of

    authorizer, now = open_authorizer(home), SystemClock().now()
    spec = authorizer.file("volume.read", tenant)
    period = period_of(on.date() if on else None, month, now)
    if ask:
        _ask(home, authorizer, tenant, period)
    found = coverage_in(authorizer.service("volume.read"), spec, period, now)
    if format == "json":
        print(json.dumps(msgspec.to_builtins(found), ensure_ascii=False))
        return
    _print_logs(found.logs, language)
    _print_scans(found.scans, language)


def _ask(home: Path, authorizer: "Authorizer", tenant: str, period: "Period") -> None:
    from pipeline.intake.unfetched import ask_unfetched
    from pipeline.tenants.entrance import Entrance

    spec = authorizer.file("logs.take", tenant)
    with open_world(home, authorizer, "logs.take") as world:
        ask_unfetched(Entrance(world, spec, "look"), period, authorizer.actor.name)


def _print_logs(logs: "LogCoverage", language: Language) -> None:
    from itertools import groupby

    if not logs.sources:
        print(Text("logs: no source is set up", "ログ：取得元の設定なし").of(language))
    for source, rows in groupby(logs.sources, lambda one: one.source):
        _print_source(source, list(rows), language)
    for gap in logs.gaps:
        print(gap_text(gap).of(language))


def _print_source(source: str, rows: "Sequence[SourceDay]", language: Language) -> None:
    """Print a source's days; a column that is 0 on all of them is named below."""
    from cli.tables import print_rows

    there = [name for name in COLUMNS if name in ALWAYS or any(getattr(row, name) for row in rows)]
    words = {name: text.of(language) for name, text in _TEXTS.items()}
    headings = (words["day"], words["state"], *(COLUMNS[name].of(language) for name in there), words["unfetched"])
    print(source)
    cells = [
        (
            row.day,
            STATES[row.state].of(language),
            *(f"{getattr(row, name):,}" for name in there),
            unfetched_text(row).of(language),
        )
        for row in rows
    ]
    print_rows(headings, cells)
    if absent := [text.of(language) for name, text in COLUMNS.items() if name not in there]:
        print(Text("0 on each day: ", "全日0件：").of(language) + ", ".join(absent))
    print()


def _print_scans(scans: "Sequence[ScanDay]", language: Language) -> None:
    from cli.tables import print_rows
    from model.text import printable

    words = {name: text.of(language) for name, text in _TEXTS.items()}
    rows = []
    for one in scans:
        states = Counter(scope.state for scope in one.scopes)
        said = ", ".join(f"{number} {STATES[state].of(language)}" for state, number in sorted(states.items()))
        ended = moment(one.finished_at) if one.run else words["none"]
        percent = words["unknown"] if one.known_percent is None else f"{one.known_percent} %"
        rows.append((one.day, ended, percent, said))
    print_rows((words["day"], words["ended"], words["judged"], words["scopes"]), rows)
    for line in _causes(scans):
        print(printable(line.of(language)))


def _causes(scans: "Sequence[ScanDay]") -> "Iterator[Text]":
    """Yield what scans could not read and why, each once, with on how many days."""
    found = Counter(
        (gap.scope, gap.region, gap.kind, gap.detail or ("listing" if gap.kind else "everything"), gap.cause)
        for one in scans
        for scope in one.scopes
        for gap in scope.gaps
    )
    for (*what, cause), days in sorted(found.items()):
        place = " ".join(part for part in what if part)
        yield Text(
            f"not read on {days} day{'' if days == 1 else 's'}: {place}: {cause}",
            f"読み取り不可（{days}日）：{place}：{cause}",
        )
