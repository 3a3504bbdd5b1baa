"""When massive logs are suspended, as a customer reads it beforehand: the same for all but by own conditions. Pure."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from contract.records import Book
from contract.settings import lines
from contract.suspension_settings import explained
from contract.suspension_texts import SCOPES
from model.suspension_case import CaseSetting
from model.text import Text


class Criteria(Struct, frozen=True):
    """The criteria of a contract: in words, and each number. `committed` is in records a minute, None if not known."""

    tenant: str
    committed: int | None
    text: list[Text]
    settings: list[CaseSetting]


def criteria(tenant: str, book: Book, at: datetime, committed: int | None, texts: Mapping[str, Text]) -> Criteria:
    """Return by what a tenant's logs are suspended `at` an instant, by the contract's book.

    `committed` is its rate in records a minute; `texts` say what each setting is, by its key.
    """
    found = numbers(book, at, texts)
    number = {one.key.partition(".")[2]: one.value for one in found}
    return Criteria(tenant, committed, [*_words(number, committed)], found)


def numbers(book: Book, at: datetime, texts: Mapping[str, Text]) -> list[CaseSetting]:
    """Return the numbers that suspensions go by `at` an instant, by a contract's book; `texts` say what each is."""
    return [
        CaseSetting(key, texts[key], one.value, one.unit, one.layer, one.clause)
        for key, one in explained(book, at).items()
        if isinstance(one.value, int)
    ]


def shown(criteria: Criteria, book: Book, at: datetime) -> list[Text]:
    """Return criteria as lines, with where each number comes from, `at` an instant by the contract's book."""
    said, found = explained(book, at), list(criteria.text)
    for one in criteria.settings:
        first, source, *_ = lines(one.key, one.text, said[one.key])
        found.append(Text(en=f"{first.en}. {source.en}", ja=f"{first.ja}。{source.ja}"))
    return found


def _words(number: Mapping[str, int], committed: int | None) -> list[Text]:
    rate = (
        Text(en=f"{committed:,} records a minute", ja=f"毎分{committed:,}件")
        if committed
        else Text(en="not known yet", ja="未確定")
    )
    long, of = number["long_massive_minutes"], number["long_minutes"]
    late, last = number["late_massive_minutes"], number["late_minutes"]
    return [
        Text(en=f"Committed rate (c): {rate.en}", ja=f"基準レート（c）：{rate.ja}"),
        Text(
            en=f"A minute is massive with more than {number['massive_percent']} % of c, and calm with less than "
            f"{number['calm_percent']} %. Only records that the customer's environment causes count.",
            ja=f"1分間の件数がcの{number['massive_percent']}％を超えると「大量」、{number['calm_percent']}％未満であれば"
            "「平常」とする。お客様の環境に起因する件数だけを数える。",
        ),
        Text(
            en=f"Logs are suspended, without notice before (Article 11), where {long} of {of} minutes and {late} of "
            f"the last {last} are massive, and what all customers share is affected: others' logs wait (longer than "
            f"{number['waiting_seconds']} seconds and than {number['waiting_percent']} % of what is usual, in "
            f"{number['waiting_minutes']} minutes on end, though there would be room), or the disk is full within "
            f"{number['disk_hours']} hours (more than {number['disk_percent']} % of the growth being the customer's), "
            f"or refusing takes more than {number['intake_percent']} % of the capacity.",
            ja=f"直近{of}分のうち{long}分、かつ直近{last}分のうち{late}分が「大量」であり、さらに全てのお客様が共用する"
            f"部分に影響が生じたときに、事前の告知なくログの受け入れを停止する（第11条）。影響とは、他のお客様のログの待ち時間"
            f"（{number['waiting_minutes']}分続けて{number['waiting_seconds']}秒と平常時の{number['waiting_percent']}％を"
            f"超え、処理能力には余裕がある場合）、ディスクの残量（{number['disk_hours']}時間以内に満杯となる見込みで、増加の"
            f"{number['disk_percent']}％超が当該のお客様による場合）、ログの拒否による負荷（処理能力の"
            f"{number['intake_percent']}％超）のいずれかをいう。",
        ),
        Text(
            en="A customer's own backlog affects nobody else: it is at most proposed to a person. "
            f"A suspension lasts {number['period_hours']} hours unless a lead lifts it or says more. Meanwhile "
            f"{SCOPES['logs'].en}. Fees go on as agreed.",
            ja="お客様自身の未処理分だけでは停止せず、担当者への提案にとどめる。"
            f"停止期間は{number['period_hours']}時間とし、SOCリーダーが解除または延長できる。停止中は、"
            f"{SCOPES['logs'].ja}。料金は契約どおり発生する。",
        ),
    ]
