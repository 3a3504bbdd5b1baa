"""`hinomi coverage`: what of a tenant was covered, and what was not."""

import json
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import DEFAULT_HOME, HomeOption, LanguageOption, TenantName, TextOrJson, open_authorizer
from model.text import Language, Text, clause_ja

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from model.coverage import LogCoverage, LogGap, SourceDay
    from pipeline.tenants.coverage import ScanDay

app = typer.Typer()

OnDay = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="of this day alone (Asia/Tokyo)")]
_COLUMNS: dict[str, Text] = {
    "waiting_before": Text("waited before", "前日から待機"),
    "received": Text("received", "受信"),
    "analysed": Text("analysed", "処理済み"),
    "stored": Text("stored", "保管中"),
    "waiting": Text("waiting", "待機中"),
    "malformed": Text("malformed", "読み取り不可"),
    "duplicate": Text("duplicate", "重複"),
    "too_late": Text("too late", "期限超過"),
    "refused": Text("refused", "受け入れ拒否"),
    "expired": Text("expired", "保管期限切れ"),
}
_ALWAYS = ("received", "analysed", "stored")
_STATES: dict[str, Text] = {
    "heard": Text("heard", "受信あり"),
    "filled back": Text("filled back", "後から取得"),
    "not heard": Text("not heard", "受信なし"),
    "read": Text("read", "読み取り済み"),
    "in part": Text("in part", "一部のみ"),
    "not read": Text("not read", "読み取り不可"),
    "nothing seen": Text("nothing seen", "リソースなし"),
}
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
    found = coverage_in(authorizer.service("volume.read"), spec, period, now)
    if format == "json":
        print(json.dumps(msgspec.to_builtins(found), ensure_ascii=False))
        return
    _print_logs(found.logs, language)
    _print_scans(found.scans, language)


def _print_logs(logs: "LogCoverage", language: Language) -> None:
    from itertools import groupby

    if not logs.sources:
        print(Text("logs: no source is set up", "ログ：取得元の設定なし").of(language))
    for source, rows in groupby(logs.sources, lambda one: one.source):
        _print_source(source, list(rows), language)
    for gap in logs.gaps:
        print(_gap_line(gap).of(language))


def _print_source(source: str, rows: "Sequence[SourceDay]", language: Language) -> None:
    """Print a source's days; a column that is 0 on all of them is named below."""
    from cli.tables import print_rows

    there = [name for name in _COLUMNS if name in _ALWAYS or any(getattr(row, name) for row in rows)]
    words = {name: text.of(language) for name, text in _TEXTS.items()}
    headings = (words["day"], words["state"], *(_COLUMNS[name].of(language) for name in there), words["unfetched"])
    print(source)
    cells = [
        (
            row.day,
            _STATES[row.state].of(language),
            *(f"{getattr(row, name):,}" for name in there),
            _unfetched(row).of(language),
        )
        for row in rows
    ]
    print_rows(headings, cells)
    if absent := [text.of(language) for name, text in _COLUMNS.items() if name not in there]:
        print(Text("0 on each day: ", "全日0件：").of(language) + ", ".join(absent))
    print()


def _unfetched(row: "SourceDay") -> Text:
    found = row.unfetched
    if found is None or found.objects is None:
        return Text(f"unknown{f': {found.cause}' if found else ''}", f"不明{f'：{found.cause}' if found else ''}")
    size = "?" if found.bytes is None else f"{found.bytes:,}"
    return Text(f"{found.objects:,} objects, {size} bytes", f"{found.objects:,}件、{size}バイト")


def _gap_line(gap: "LogGap") -> Text:
    since, until = _moment(gap.since), _moment(gap.until)
    en = f"{gap.reason.en} (Article {gap.clause})" if gap.clause else gap.reason.en
    ja = f"{gap.reason.ja}（{clause_ja(gap.clause)}）" if gap.clause else gap.reason.ja
    return Text(
        f"gap: {since} to {until} ({gap.minutes:,} min): {en}", f"中断：{since}〜{until}（{gap.minutes:,}分）：{ja}"
    )


def _moment(text: str) -> str:
    from model.canonical import parse_instant
    from model.clock import CONTRACT_ZONE

    return parse_instant(text).astimezone(CONTRACT_ZONE).strftime("%Y-%m-%d %H:%M")


def _print_scans(scans: "Sequence[ScanDay]", language: Language) -> None:
    from cli.tables import print_rows
    from model.text import printable

    words = {name: text.of(language) for name, text in _TEXTS.items()}
    rows = []
    for one in scans:
        states = Counter(scope.state for scope in one.scopes)
        said = ", ".join(f"{number} {_STATES[state].of(language)}" for state, number in sorted(states.items()))
        ended = _moment(one.finished_at) if one.run else words["none"]
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
