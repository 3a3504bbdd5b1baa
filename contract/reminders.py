"""What the provider's people are to be reminded of, by a contract's records and the time. Pure."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from msgspec import Struct

from contract.dates import term_on
from contract.days import NEVER, day_of
from contract.records import Book, ContractState
from contract.showing import taken_over_oddly
from model.contract_record import kind_of
from model.text import Text

# How many days ahead of a day somebody is reminded of it (Article 3(2)).
_AHEAD = (60, 30, 7)


class Reminder(Struct, frozen=True):
    """Something that somebody is reminded of once: whatever has the same id was said before."""

    id: str
    text: Text
    clause: str


def due(book: Book, now: datetime) -> list[Reminder]:
    """Return what is due now; who keeps the ids of what was said says each once.

    Of several days ahead of one day only the newest is due: whoever was away is not reminded three times at once.
    """
    found = book.state(now)
    said = [*_life(found), *_waiting(book, found)]
    if odd := taken_over_oddly(book):
        text = Text(en="; ".join(one.en for one in odd), ja=" ".join(one.ja for one in odd))
        said.append(Reminder("taken-over", text, "7(1)"))
    return said


def _life(found: ContractState) -> Iterator[Reminder]:
    """Yield what is due by where in its life the contract is."""
    match found.phase:
        case "not ordered":
            text = Text(
                en="nothing was ordered and accepted, so nothing is done",
                ja="申込みと承諾の記録がないため、サービスを提供していません",
            )
            yield Reminder("not-ordered", text, "5(1)")
        case "not begun":
            if found.start and (ahead := _ahead(found.start, found.day)) is not None:
                text = Text(en=f"the contract begins on {found.start}", ja=f"契約は{found.start}に開始します")
                yield Reminder(f"contract-begins:{found.start}:{ahead}", text, "7(1)")
        case "ended":
            text = Text(en=f"the contract ended on {found.last_day}", ja=f"契約は{found.last_day}に終了しました")
            yield Reminder(f"contract-ended:{found.last_day}", text, "7(2)")
        case _:
            yield from (*_licence(found), *_base(found), *_end(found))


def _base(found: ContractState) -> Iterator[Reminder]:
    if not found.items:
        term = term_on(found.start or found.day, found.day)
        text = Text(
            en="no base item of the menu is agreed, so nothing is done",
            ja="基本メニューの記録がないため、サービスを提供していません",
        )
        yield Reminder(f"no-base:{term.first_day}", text, "2")


def _licence(found: ContractState) -> Iterator[Reminder]:
    last = found.licence.last_day
    if last is None:
        term = term_on(found.start or found.day, found.day)
        text = Text(
            en="no licence of a designated product is on record: whether the customer is eligible is not known",
            ja="指定製品のライセンスが記録されていないため、利用資格を確認できません",
        )
        yield Reminder(f"licence-unknown:{term.first_day}", text, "3(1)")
    elif found.licence.valid:
        if (ahead := _ahead(last, found.day)) is not None:
            text = Text(en=f"the licence ends on {last}", ja=f"ライセンスの有効期間は{last}に終了します")
            yield Reminder(f"licence-ends:{last}:{ahead}", text, "3(2)")
    else:
        yield _lapsed(found, last)


def _lapsed(found: ContractState, last: date) -> Reminder:
    """Return that a licence has lapsed: each day as long as the service goes on in part, and once when it ends."""
    if found.at >= found.grace:
        text = Text(
            en=f"the licence ended on {last}: nothing is collected and notified any more; fees are owed",
            ja=f"ライセンスが{last}に終了したため、収集と通知を停止しています（料金の支払義務は継続します）",
        )
        return Reminder(f"licence-stopped:{last}", text, "3(2)")
    if found.grace == NEVER:
        until = Text(en="until somebody confirms the lapse", ja="担当者が失効を確認するまで")
    else:
        day = day_of(found.grace - timedelta(microseconds=1))
        until = Text(en=f"until {day}", ja=f"{day}まで")
    text = Text(
        en=f"the licence ended on {last}: collection and alerts go on {until.en}, and nothing is changed",
        ja=f"ライセンスが{last}に終了しています。{until.ja}収集と通知を継続し、変更は行いません",
    )
    return Reminder(f"licence-lapsed:{last}:{found.day}", text, "3(2)")


def _end(found: ContractState) -> Iterator[Reminder]:
    """Yield that the contract ends, or by when notice has to come that it is not renewed: the safe day is said."""
    if found.last_day is not None:
        if (ahead := _ahead(found.last_day, found.day)) is not None:
            text = Text(en=f"the contract ends on {found.last_day}", ja=f"契約は{found.last_day}に終了します")
            yield Reminder(f"contract-ends:{found.last_day}:{ahead}", text, "7(2)")
        return
    term = term_on(found.start or found.day, max(found.day, found.start or found.day))
    if (ahead := _ahead(term.notice_safe_by, found.day)) is not None:
        safe, last = term.notice_safe_by, term.last_day
        text = Text(
            en=f"the contract renews after {last} unless the customer's notice comes by {safe}",
            ja=f"{safe}までにお客様から通知がなければ、契約は{last}の満了後に更新されます",
        )
        yield Reminder(f"contract-renews:{last}:{ahead}", text, "7(2)")


def _waiting(book: Book, found: ContractState) -> Iterator[Reminder]:
    """Yield what waits for a person: records that somebody else has to confirm, notices to judge on."""
    for one in book.waiting:
        text = Text(
            en=f"record {one.number} ({kind_of(one.what)}) is effective before it was recorded: somebody else than "
            f"{one.person} has to confirm or reject it",
            ja=f"記録{one.number}（{kind_of(one.what)}）は記録日より前に発効します。"
            f"{one.person}以外の担当者による確認または却下が必要です",
        )
        yield Reminder(f"waiting:{one.number}", text, "5")
    if found.undecided:
        text = Text(
            en=f"a person has to judge on the notice on record {found.undecided}",
            ja=f"記録{found.undecided}の通知について担当者の判断が必要です",
        )
        yield Reminder(f"undecided:{found.undecided}", text, "7(2)")


def _ahead(day: date, today: date) -> int | None:
    """Return how many days ahead of a day the newest reminder is due today, None where none is."""
    left = (day - today).days
    return min((ahead for ahead in _AHEAD if 0 <= left <= ahead), default=None)
