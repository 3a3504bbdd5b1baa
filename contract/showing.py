"""What is to be said of a contract on a day, each with the clause that it comes from. Pure."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from contract.dates import Term, term_on
from contract.days import day_of
from contract.licences import LicenceState
from contract.provider import provider_on
from contract.records import Book, ContractState, decide_term
from contract.suspensions import decide_logs
from model.canonical import parse_instant
from model.contract_action import Phase
from model.contract_record import OrderRecord
from model.service_provider import ServiceProvider, ServiceProviders
from model.text import Text

_PHASES: dict[Phase, Text] = {
    "not ordered": Text(en="nothing was ordered and accepted", ja="申込みと承諾の記録がありません"),
    "not begun": Text(en="has not begun", ja="契約期間の開始前です"),
    "running": Text(en="is running", ja="契約期間中です"),
    "grace": Text(
        en="the licence has lapsed: collection and alerts go on for a while; fees go on",
        ja="ライセンスが失効しています。当面は収集と通知のみを継続します（料金は発生します）",
    ),
    "unlicensed": Text(en="the licence has lapsed; fees go on", ja="ライセンスが失効しています（料金は発生します）"),
    "suspended": Text(en="is suspended; fees go on", ja="サービスの提供を停止しています（料金は発生します）"),
    "ended": Text(en="has ended", ja="終了しています"),
}


# In which phases the fee is owed, each with the clause: for lack of a licence, and while suspended, too.
_BILLABLE: dict[Phase, str] = {
    "running": "8(1)",
    "grace": "3(2)",
    "unlicensed": "3(2)",
    "suspended": "11",
}
_LICENCES = {
    "unknown": Text(
        en="Licence: unknown, none is on record (Article 3(1))", ja="ライセンス：不明（記録がありません、第3条第1項）"
    ),
    "valid": Text(en="Licence: valid (Article 3(1))", ja="ライセンス：有効（第3条第1項）"),
    "lapsed": Text(en="Licence: lapsed (Article 3(2))", ja="ライセンス：失効（第3条第2項）"),
}


def phase_text(phase: Phase) -> Text:
    """Return in plain words where in its life a contract is."""
    return _PHASES[phase]


class Said(Struct, frozen=True):
    """One thing that is said, and the clause that it comes from."""

    value: Any
    clause: str


class Shown(Struct, frozen=True):
    """A contract on a day: whether the service is due to the customer, and the fee to the provider; days; the menu.

    `licence` is unknown, valid or lapsed. `undecided` is the number of the notice on which a person has to judge,
    `waiting` those of the records that somebody else has to confirm, `to_look_at` what a person has to look at. The
    provider is the one that the contract is with, by its name, where the installation has one. `logs_suspended` says
    why, where monitoring logs alone are not taken in.
    """

    on: date
    state: Said
    entitled: Said
    billable: Said
    menus: Said
    licence: Said
    undecided: Said | None = None
    waiting: Said | None = None
    to_look_at: Said | None = None
    first_day: Said | None = None
    last_day: Said | None = None
    notice_safe_by: Said | None = None
    notice_latest: Said | None = None
    invoice_by: Said | None = None
    due: Said | None = None
    provider: Said | None = None
    logs_suspended: Said | None = None


def summary(book: Book, at: datetime, among: ServiceProviders = ServiceProviders()) -> Shown:
    """Return what is to be said of a contract by its book `at` an instant; its provider is `among` those given.

    Before the contract begins the first term's days are said, after its end the last one's. Raises `Refused` outside
    the years of this service, and for a provider that is not known.
    """
    found = book.state(at)
    decision, odd = decide_term(found), taken_over_oddly(book)
    lacks_base = decision.allowed and not found.items
    said = Shown(
        on=found.day,
        state=Said(found.phase, decision.clause),
        entitled=Said(decision.allowed and not lacks_base, "2" if lacks_base else decision.clause),
        billable=Said(found.phase in _BILLABLE, _BILLABLE.get(found.phase, "8(1)")),
        menus=Said(sorted(found.items), "2"),
        licence=Said(_licence(found.licence), "3(1)"),
        undecided=Said(found.undecided, "7(2)") if found.undecided else None,
        waiting=Said([one.number for one in book.waiting], "5") if book.waiting else None,
        to_look_at=Said(odd, "7(1)") if odd else None,
        provider=_provider(provider_on(book.records, at, among)),
        logs_suspended=_logs(found),
    )
    if found.start is None:
        return said
    term = term_on(found.start, min(max(found.day, found.start), found.last_day or date.max))
    return _with_days(said, term, found.last_day)


def _logs(found: ContractState) -> Said | None:
    if found.logs_suspended is None or found.suspended:
        return None
    decision = decide_logs(found.logs_suspended)
    return Said(decision.reason, decision.clause)


def _licence(found: LicenceState) -> str:
    if found.last_day is None:
        return "unknown"
    return "valid" if found.valid else "lapsed"


def taken_over_oddly(book: Book) -> list[Text]:
    """Return what was taken over from a file and is to be looked at by a person, as long as nobody has confirmed it.

    A start before it was recorded, and a last day that is no year's end (Article 7(1)): both hold as they stand.
    """
    order = next((one for one in book.records if one.taken_over and isinstance(one.what, OrderRecord)), None)
    if order is None or not isinstance(order.what, OrderRecord) or book.is_confirmed(order):
        return []
    found, start, last = [], order.what.start, order.what.last_day
    recorded = day_of(parse_instant(order.recorded_at))
    if start < recorded:
        found.append(
            Text(
                en=f"To be looked at: taken over on {recorded}, the contract begins on {start}, before it was recorded",
                ja=f"要確認：{recorded}に引き継いだ契約です。開始日（{start}）が記録日より前です",
            )
        )
    if last is not None and term_on(start, max(start, last)).last_day != last:
        found.append(
            Text(
                en=f"To be looked at: taken over on {recorded}, the last day, {last}, is no year's end (Article 7(1))",
                ja=f"要確認：{recorded}に引き継いだ契約です。最終日（{last}）が1年の満了日と一致しません（第7条第1項）",
            )
        )
    return found


def lines(name: str, said: Shown) -> list[Text]:
    """Return in plain words what a summary says of the contract of a tenant, by its name."""
    texts = [
        Text(
            en=f"{name}, {said.on}: {_PHASES[said.state.value].en}",
            ja=f"{name}（{said.on}時点）：{_PHASES[said.state.value].ja}",
        )
    ]
    if said.logs_suspended:
        why = said.logs_suspended.value
        texts.append(Text(en=f"Logs: {why.en} (Article 11)", ja=f"監視ログ：{why.ja}（第11条）"))
    if said.first_day and said.last_day:
        first, last = said.first_day.value, said.last_day.value
        texts.append(
            Text(
                en=f"Term: {first} to {last}, both days counted (Article 7)",
                ja=f"契約期間：{first}から{last}まで（初日と最終日を含む、第7条）",
            )
        )
    if said.notice_safe_by and said.notice_latest:
        safe, latest = said.notice_safe_by.value, said.notice_latest.value
        texts.append(
            Text(
                en=f"It renews unless notice comes by {safe}; until {latest} a person decides (Article 7(2))",
                ja=f"{safe}までに通知がなければ更新されます。{latest}までに届いた通知は担当者が判断します（第7条第2項）",
            )
        )
    if said.invoice_by and said.due:
        texts.append(
            Text(
                en=f"Invoice by {said.invoice_by.value}, due {said.due.value} (Article 8)",
                ja=f"請求書の発行期限：{said.invoice_by.value}、支払期限：{said.due.value}（第8条）",
            )
        )
    if said.undecided:
        texts.append(
            Text(
                en=f"A person has to judge on the notice on record {said.undecided.value} (Articles 7(2) and 9(1))",
                ja=f"記録{said.undecided.value}の通知について担当者の判断が必要です（第7条第2項、第9条第1項）",
            )
        )
    texts += _asks_for_people(said)
    texts.append(_LICENCES[said.licence.value])
    menus = ", ".join(said.menus.value)
    texts.append(Text(en=f"Menu: {menus or 'none'} (Article 2)", ja=f"メニュー：{menus or 'なし'}（第2条）"))
    texts.append(_provider_line(said.provider))
    return texts


def _asks_for_people(said: Shown) -> Iterator[Text]:
    for number in said.waiting.value if said.waiting else ():
        yield Text(
            en=f"Record {number} is effective before it was recorded: it counts once somebody else has confirmed it",
            ja=f"記録{number}は記録日より前に発効するため、別の担当者が確認するまで反映されません",
        )
    yield from said.to_look_at.value if said.to_look_at else ()


def _provider(found: ServiceProvider | None) -> Said | None:
    """Return what is said of a provider to whoever reads of the contract: nothing of its bank."""
    if found is None:
        return None
    return Said({"name": found.name, "registration_number": found.registration_number}, "1(1)")


def _provider_line(said: Said | None) -> Text:
    if said is None:
        return Text(
            en="Provider: not set (installation.yaml, providers)", ja="提供者：未設定（installation.yamlのproviders）"
        )
    name, number = said.value["name"], said.value["registration_number"]
    english, japanese = (f", registration number {number}", f"、登録番号{number}") if number else ("", "")
    return Text(en=f"Provider: {name.en}{english} (Article 1(1))", ja=f"提供者：{name.ja}{japanese}（第1条第1項）")


def _with_days(said: Shown, term: Term, last_day: date | None) -> Shown:
    """Return a summary with the days of a term; one that has an end of its own does not renew."""
    ends = last_day is not None and last_day <= term.last_day
    return replace(
        said,
        first_day=Said(term.first_day, "7(1)"),
        last_day=Said(last_day if ends else term.last_day, "7(2)" if ends else "7(1)"),
        notice_safe_by=None if ends else Said(term.notice_safe_by, "7(2)"),
        notice_latest=None if ends else Said(term.notice_latest, "7(2)"),
        invoice_by=Said(term.invoice_by, "8(2)"),
        due=Said(term.due, "8(2)"),
    )
