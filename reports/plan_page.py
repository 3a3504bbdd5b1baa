"""A plan of changes for people: its words in both languages, and one HTML page without a script."""

from collections.abc import Iterator

from msgspec import UNSET, Struct

from model.call import Call
from model.canonical import encode
from model.plan import Plan, Step
from model.text import Language, Text
from reports.pages import page

WORDS: dict[str, Text] = {
    "plan": Text(en="Plan", ja="変更計画"),
    "hash": Text(en="Hash", ja="ハッシュ"),
    "made_by": Text(en="Made by", ja="作成者"),
    "made_for": Text(en="for", ja="依頼者"),
    "standing": Text(en="Standing", ja="状態"),
    "approvals": Text(en="Approvals needed", ja="必要な承認"),
    "customer": Text(en="the customer's too", ja="お客様の承認を含む"),
    "why_two": Text(en="Two persons, because", ja="2名の承認が必要な理由"),
    "risk": Text(en="What it may break", ja="影響"),
    "stays": Text(en="What cannot be rolled back", ja="ロールバックできない点"),
    "needs": Text(en="Permissions", ja="必要な権限"),
    "changes": Text(en="Changes", ja="変更内容"),
    "before": Text(en="before", ja="変更前"),
    "after": Text(en="after", ja="変更後"),
    "absent": Text(en="absent", ja="なし"),
    "calls": Text(en="Calls", ja="実行する呼び出し"),
    "inverse": Text(en="To roll it back", ja="ロールバック時の呼び出し"),
    "no_way_back": Text(en="cannot be rolled back", ja="ロールバック不可"),
    "owner": Text(en="Belongs to infrastructure code", ja="インフラコードの管理下"),
    "patch": Text(en="Change it there", ja="コード側の修正案"),
    "live": Text(en="changed live all the same", ja="コードとは別に直接変更する"),
    "proposal": Text(en="a proposal only: nothing is changed live", ja="提案のみ（直接の変更は行わない）"),
    "left_out": Text(en="Left alone", ja="対象外"),
    "rolls_back": Text(en="Rolls back", ja="ロールバック対象"),
    "remediates": Text(en="Remediates", ja="是正する項目"),
}
STANDINGS: dict[str, Text] = {
    "proposed": Text(en="proposed, not approved yet", ja="承認待ち"),
    "approved": Text(en="approved", ja="承認済み"),
    "denied": Text(en="denied", ja="否認"),
    "expired": Text(en="expired", ja="期限切れ"),
}


class Line(Struct, frozen=True):
    """One value of a difference as texts; `before` or `after` is None where it is absent."""

    path: str
    before: str | None
    after: str | None


def lines(step: Step) -> Iterator[Line]:
    """Yield the difference of a step."""
    for change in step.changes:
        yield Line(".".join(change.path), _shown(change.before), _shown(change.after))


def call_text(call: Call) -> str:
    """Return a call as one line: service, operation, arguments as JSON; a request with its path and body."""
    if "path" in call.args:
        query = "&".join(f"{name}={value}" for name, value in call.args.get("query", {}).items())
        body = f" {encode(call.args['body']).decode()}" if "body" in call.args else ""
        return f"{call.op} {call.args['path']}{'?' if query else ''}{query}{body}"
    where = f" ({call.region})" if call.region and call.region != "global" else ""
    return f"{call.service} {call.op}{where} {encode(call.args).decode()}"


def render(plan: Plan, standing: str, provider: Text | None, language: Language) -> str:
    """Return a plan as a page in a language, with its standing and the name of the provider where there is one.

    Customers' texts are escaped.
    """
    return page(
        "plan.html",
        language,
        provider,
        plan=plan,
        standing=STANDINGS[standing].of(language),
        t={name: text.of(language) for name, text in WORDS.items()},
        lines=lines,
        call_text=call_text,
        way_back=lambda step: step.back is not UNSET,
    )


def _shown(value: object) -> str | None:
    return None if value is UNSET else encode(value).decode()
