"""What would have been decided otherwise, had something been on record earlier. Pure."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise

import msgspec
from msgspec import Struct

from contract.days import begins, until_end_of
from contract.gate import decide
from contract.records import Book
from contract.term import Decision
from model.canonical import parse_instant
from model.clock import in_japan
from model.contract_action import Action
from model.contract_record import ContractRecord, Effective, What, is_day
from model.text import Text, clause_ja


class Difference(Struct, frozen=True):
    """An action that was decided one way from a moment up to another, and would have been decided the other way."""

    action: Action
    since: datetime
    until: datetime
    was: Decision
    would: Decision


def differences(before: Book, after: Book, since: datetime, now: datetime) -> list[Difference]:
    """Return what is decided otherwise by the book `after` than by the one `before`, `since` a moment up to now.

    Decisions that were taken stay: this only says which.
    """
    found: list[Difference] = []
    for begin, end in pairwise(_turns(before, after, since, now)):
        for action in before.terms.actions.actions:
            was, would = decide(action, before, begin), decide(action, after, begin)
            if was.allowed == would.allowed:
                continue
            last = next((one for one in reversed(found) if one.action == action), None)
            if last and last.until == begin and last.would.reason == would.reason:
                found[found.index(last)] = msgspec.structs.replace(last, until=end)
            else:
                found.append(Difference(action, begin, end, was, would))
    return found


def lines(late: ContractRecord, found: Sequence[Difference], *, waits: bool) -> Iterator[Text]:
    """Yield in plain words what was `found` that a late record would have decided otherwise, and whom it waits for."""
    if waits:
        yield Text(
            en=f"It is effective before now: somebody else has to confirm it (judgement of {late.number}, confirmed).",
            ja=f"現在より前に発効するため、別の担当者の確認が必要です（judgement、of: {late.number}、confirmed）。",
        )
    for one in found:
        since, until = in_japan(one.since), in_japan(one.until)
        en = [f"{'allowed' if said.allowed else 'refused'} (Article {said.clause})" for said in (one.was, one.would)]
        ja = [f"{'許可' if said.allowed else '拒否'}（{clause_ja(said.clause)}）" for said in (one.was, one.would)]
        yield Text(
            en=f"{since} to {until}, {one.action}: was {en[0]}, would have been {en[1]}; it stays as it was decided.",
            ja=f"{since}～{until}、{one.action}：{ja[0]}と判断済み。この記録によれば{ja[1]}。過去の判断は変更しません。",
        )
    if not found:
        yield Text(en="Nothing would have been decided otherwise.", ja="過去の判断に影響はありません。")


def _turns(before: Book, after: Book, since: datetime, now: datetime) -> list[datetime]:
    """Return the moments from one up to another, both with them, at which a decision may change."""
    found = {since, now}
    for book in (before, after):
        for one in book.records:
            found |= {begins(one.effective), *_moments(one.what)}
        found |= {begins(menu.effective.isoformat()) for menu in book.terms.menus}
        for setting in book.terms.settings.values():
            found |= {begins(edition.effective.isoformat()) for edition in setting.editions}
        found |= {parse_instant(until) for at in list(found) if (until := book.term(at).until)}
    return sorted(at for at in found if since <= at <= now)


def _moments(what: What) -> Iterator[datetime]:
    """Yield the first moments of the days that a record names, and the first ones after them."""
    for value in msgspec.structs.asdict(what).values():
        if isinstance(value, date):
            yield from (begins(value.isoformat()), until_end_of(value))
    for text in (getattr(what, "since", None), getattr(what, "until", None)):
        if text:
            yield from _both_ends(text)


def _both_ends(effective: Effective) -> Iterator[datetime]:
    yield begins(effective)
    if is_day(effective):
        yield begins(effective) + timedelta(days=1)
