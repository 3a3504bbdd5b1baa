"""What was covered, in words: for the report and for the terminal."""

from model.canonical import parse_instant
from model.clock import in_japan
from model.coverage import LogGap, SourceDay
from model.text import Text, clause_ja

# What records are counted as; the first ones are always shown.
COLUMNS: dict[str, Text] = {
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
ALWAYS = ("received", "analysed", "stored")
STATES: dict[str, Text] = {
    "heard": Text("heard", "受信あり"),
    "filled back": Text("filled back", "後から取得"),
    "not heard": Text("not heard", "受信なし"),
    "read": Text("read", "読み取り済み"),
    "in part": Text("in part", "一部のみ"),
    "not read": Text("not read", "読み取り不可"),
    "nothing seen": Text("nothing seen", "リソースなし"),
}


def unfetched_text(row: SourceDay) -> Text:
    """Return what of a source and day, or of several days, was not fetched, as far as that is known."""
    found = row.unfetched
    if found is None or found.objects is None:
        return Text(f"unknown{f': {found.cause}' if found else ''}", f"不明{f'：{found.cause}' if found else ''}")
    size = "?" if found.bytes is None else f"{found.bytes:,}"
    return Text(f"{found.objects:,} objects, {size} bytes", f"{found.objects:,}件、{size}バイト")


def reason_text(gap: LogGap) -> Text:
    """Return why nothing was taken in for some time, with the clause where there is one."""
    if not gap.clause:
        return gap.reason
    return Text(f"{gap.reason.en} (Article {gap.clause})", f"{gap.reason.ja}（{clause_ja(gap.clause)}）")


def gap_text(gap: LogGap) -> Text:
    """Return from when to when nothing was taken in, and why."""
    since, until, why = moment(gap.since), moment(gap.until), reason_text(gap)
    return Text(
        f"gap: {since} to {until} ({gap.minutes:,} min): {why.en}",
        f"中断：{since}〜{until}（{gap.minutes:,}分）：{why.ja}",
    )


def moment(text: str) -> str:
    """Return a moment (RFC 3339) as of Asia/Tokyo, to the minute."""
    return in_japan(parse_instant(text))
