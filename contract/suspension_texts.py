"""Suspensions in words, for customers and the provider's people, in both languages. Pure."""

from collections.abc import Mapping, Sequence

from model.canonical import parse_instant
from model.clock import in_japan
from model.suspension_case import CaseAdvice, SuspensionCase, SuspensionScope
from model.text import Text

REASONS: Mapping[str, Text] = {
    "waiting": Text(en="other customers' logs wait", ja="他のお客様のログに待ちが生じている"),
    "disk": Text(en="the disk that all share fills up", ja="共用のディスクの空きが減り続けている"),
    "intake": Text(en="refusing the logs takes much of the capacity", ja="ログの拒否が処理能力の多くを占めている"),
    "backlog": Text(en="the customer's own logs wait", ja="当該のお客様のログに待ちが生じている"),
    "massive": Text(
        en="massive logs came again while the volume was probed", ja="再開の確認中に再び大量のログを受信した"
    ),
    "rate": Text(en="massive logs", ja="ログの件数が多い状態が続いている"),
    "calm": Text(en="the volume is calm", ja="ログの件数が平常に戻った"),
    "period": Text(en="the period is over", ja="停止期間が経過した"),
    "returns": Text(en="massive logs came again and again within a day", ja="24時間以内に繰り返し大量のログを受信した"),
    "confirmed": Text(en="a lead has confirmed it", ja="SOCリーダーが確認した"),
    "lifted": Text(en="a lead has lifted it", ja="SOCリーダーが解除した"),
}
STAGES: Mapping[str, Text] = {
    "normal": Text(en="normal", ja="通常"),
    "watch": Text(en="watch", ja="監視"),
    "limited": Text(en="limited", ja="制限"),
    "suspended": Text(en="suspended", ja="停止"),
    "probing": Text(en="probing", ja="再開の確認"),
    "proposed": Text(en="suspension proposed", ja="停止の提案"),
}
SCOPES: Mapping[SuspensionScope, Text] = {
    "logs": Text(
        en="logs are neither taken in nor fetched; what was taken in is processed, scans and plans go on",
        ja="ログの受け入れと取得を停止し、受信済みのログの処理、スキャン、変更計画は継続する",
    ),
    "service": Text(
        en="logs are neither taken in nor fetched, nothing is scanned and planned; what we changed can be rolled back",
        ja="ログの受け入れと取得、スキャン、変更計画を停止する。実施した変更のロールバックは可能とする",
    ),
}
_FEES = Text(en="Fees go on as agreed.", ja="料金は契約どおり発生する。")


def reason_text(case: SuspensionCase) -> Text:
    """Return why a case suspends, as it stands on record."""
    last = _setting(case, "long_minutes", 60)
    massive = sum(_is_massive(case, minute.records) for minute in case.minutes[-last:])
    why = REASONS[case.reason]
    return Text(
        en=f"massive logs in {massive} of {last} minutes, and {why.en} (case {case.id})",
        ja=f"{last}分間のうち{massive}分で大量のログを受信し、{why.ja}（事案{case.id}）",
    )


def change_text(after: str, case: SuspensionCase | None, reason: str = "") -> Text:
    """Return what is said of a stage after a change, with what its case says where there is one, or the reason."""
    if case is None:
        stage, why = STAGES[after], REASONS.get(reason, Text(en=reason, ja=reason))
        return Text(en=f"Logs: {stage.en} ({why.en})", ja=f"監視ログの段階：{stage.ja}（{why.ja}）")
    why, advice = reason_text(case), _advice(case.advice)
    if after == "proposed":
        by = case.why_proposed or Text(en="", ja="")
        command = f"`hinomi suspension confirm {case.tenant} --reason …`"
        return Text(
            en=f"A suspension is proposed: {why.en}. A lead confirms it until {_moment(case.until)} (Japan time), "
            f"or it lapses: {by.en}. {command}",
            ja=f"停止を提案：{why.ja}。{_moment(case.until)}（日本時間）までにSOCリーダーが確認しなければ失効する"
            f"（理由：{by.ja}）。{command}",
        )
    scope = SCOPES[case.scope]
    return Text(
        en=f"Suspended since {_moment(case.since)} until {_moment(case.until)} (Japan time): {why.en}. Meanwhile "
        f"{scope.en}. {_FEES.en}{advice.en}",
        ja=f"停止期間：{_moment(case.since)}〜{_moment(case.until)}（日本時間）。理由：{why.ja}。{scope.ja}。"
        f"{_FEES.ja}{advice.ja}",
    )


def _advice(found: CaseAdvice) -> Text:
    if not found.sampled:
        return Text(en="", ja="")
    types, principals = _counted(found.types), _counted(found.principals)
    return Text(
        en=f" Most frequent of {found.sampled:,} records: {types}; by principal (pseudonyms): {principals or '-'}.",
        ja=f"直近の{found.sampled:,}件のうち多いもの：{types}。主体別（仮名）：{principals or '-'}。",
    )


def _counted(found: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in found)


def _is_massive(case: SuspensionCase, records: int) -> bool:
    return 100 * records > _setting(case, "massive_percent", 300) * case.committed


def _setting(case: SuspensionCase, name: str, default: int) -> int:
    return next((one.value for one in case.settings if one.key == f"suspension.{name}"), default)


def _moment(text: str) -> str:
    return in_japan(parse_instant(text))
