"""The fixed texts of the HTML report."""

from typing import Literal

from model.finding import Finding, Severity, State
from model.text import Language, Text

SEVERITY: dict[Severity, Text] = {
    "critical": Text(en="Critical", ja="緊急"),
    "high": Text(en="High", ja="高"),
    "medium": Text(en="Medium", ja="中"),
    "low": Text(en="Low", ja="低"),
    "informational": Text(en="Informational", ja="情報"),
}
STATE: dict[State, Text] = {
    "open": Text(en="open", ja="未対応"),
    "in_progress": Text(en="in progress", ja="対応中"),
    "reopened": Text(en="reopened", ja="再オープン"),
    "suppressed": Text(en="exception granted", ja="例外として許容"),
    "resolved": Text(en="resolved", ja="解消"),
}
# What a second source says of the same: the reader sees whether it agrees.
SAID: dict[Literal["pass", "fail"], Text] = {
    "fail": Text(en="fault found", ja="不備あり"),
    "pass": Text(en="no fault", ja="不備なし"),
}
TEXTS: dict[str, Text] = {
    "title": Text(en="Cloud configuration report", ja="クラウド設定診断レポート"),
    "prepared_for": Text(en="Prepared for", ja="お客様"),
    "scanned": Text(en="As of the scan of", ja="診断日時"),
    "made": Text(en="Report made", ja="作成日時"),
    "scope": Text(en="Scope", ja="診断対象"),
    "at_a_glance": Text(en="At a glance", ja="概要"),
    "category": Text(en="Category", ja="分類"),
    "by_category": Text(en="Open findings by category", ja="分類別の検出事項"),
    "listed_elsewhere": Text(
        en="This report lists what policies find. The others are in the list of findings.",
        ja="本レポートに掲載しているのは、ポリシーによる検出事項です。その他は検出事項の一覧をご覧ください。",
    ),
    "open_findings": Text(en="open findings", ja="件の検出事項"),
    "resources": Text(en="{0} resources seen", ja="確認したリソース: {0}件"),
    "judged": Text(en="{0} % of the judgements could be made", ja="判定できた項目: {0} %"),
    "nothing_found": Text(
        en="No open findings among what could be judged. See Coverage for what could not.",
        ja="判定できた範囲では、未対応の検出事項はありません。判定できなかった項目は「診断範囲」をご覧ください。",
    ),
    "proposals": Text(en="Improvement proposals", ja="改善のご提案"),
    "proposals_lead": Text(
        en="Findings grouped by what remediates them, the most worthwhile first.",
        ja="検出事項を対処方法ごとにまとめ、効果の高い順に並べています。",
    ),
    "no_proposals": Text(
        en="Improvement proposals are no part of the contract (Article 2).",
        ja="改善のご提案は、ご契約のメニューに含まれていません（第2条）。",
    ),
    "formula": Text(
        en="score = Σ (severity weight × resources) ÷ effort in hours for one resource",
        ja="スコア = Σ(重大度の重み × リソース数)÷ 1リソースあたりの作業時間",
    ),
    "weights": Text(en="weights", ja="重み"),
    "what_to_do": Text(en="What to do", ja="対処方法"),
    "effort": Text(en="Estimated effort", ja="作業目安"),
    "hours": Text(en="h", ja="時間"),
    "assets": Text(en="Resources", ja="リソース数"),
    "score": Text(en="Score", ja="スコア"),
    "also_remediates": Text(en="Also remediates", ja="併せて解消"),
    "findings": Text(en="Findings", ja="検出事項"),
    "risk": Text(en="Risk", ja="リスク"),
    "fix": Text(en="Recommended change", ja="推奨する対処"),
    "controls": Text(en="Mapped to", ja="対応する管理策"),
    "resource": Text(en="Resource", ja="リソース"),
    "region": Text(en="Region", ja="リージョン"),
    "evidence": Text(en="What was found", ja="検出内容"),
    "sources": Text(en="Other checks", ja="他ツールの判定"),
    "since": Text(en="Since", ja="検出日"),
    "state": Text(en="State", ja="状態"),
    "unverified": Text(en="not verified in the last scan", ja="直近の診断では未確認"),
    "accepted": Text(en="Exceptions", ja="例外として許容している検出事項"),
    "accepted_lead": Text(
        en="Still there, but known and accepted until the day named. These are not counted above.",
        ja="問題は残っていますが、期限を定めて許容しているものです。上記の件数には含めていません。",
    ),
    "reason": Text(en="Reason", ja="理由"),
    "granted_by": Text(en="Granted by", ja="承認者"),
    "until": Text(en="Until", ja="期限"),
    "coverage": Text(en="Coverage", ja="診断範囲"),
    "coverage_lead": Text(
        en="What was looked at and what was not. Detection of every fault is not promised; what could not be read is"
        " stated here, and counts neither as passed nor as failed.",
        ja="診断できた範囲と、できなかった範囲を示します。すべての問題の検出をお約束するものではありません。"
        "読み取れなかった項目は、適合・不適合のいずれにも数えていません。",
    ),
    "policies": Text(en="policies", ja="ポリシー"),
    "passed": Text(en="passed", ja="適合"),
    "failed": Text(en="failed", ja="不適合"),
    "unknown": Text(en="unknown", ja="判定不能"),
    "not_applicable": Text(en="not applicable", ja="対象外"),
    "gaps": Text(en="Not read in this scan", ja="今回読み取れなかったもの"),
    "no_gaps": Text(
        en="Everything that this service reads could be read.", ja="本サービスの読み取り対象は、すべて読み取れました。"
    ),
    "cause": Text(en="Cause", ja="原因"),
    "sudden_loss": Text(
        en="SuddenLoss n/m: only n of m resources were listed. Nothing is taken for deleted until the next complete "
        "listing confirms it.",
        ja="「SuddenLoss n/m」は、前回m件あったリソースがn件しか一覧に現れなかったことを示します。"
        "次回の一覧で確認できるまで、削除されたものとしては扱いません。",
    ),
    "what": Text(en="What", ja="対象"),
    "listing": Text(en="listing", ja="一覧"),
    "whole_scope": Text(en="the whole account", ja="アカウント全体"),
    "criteria": Text(en="When massive logs are suspended", ja="大量ログによる停止の基準"),
    "criteria_lead": Text(
        en="The criteria are the same for all customers but by an individual condition (Article 11).",
        ja="基準は、個別条件に定めがある場合を除き、全てのお客様に共通です（第11条）。",
    ),
    "logs": Text(en="Coverage of monitoring logs", ja="監視ログの確認範囲"),
    "logs_lead": Text(
        en="What came in from {0} to {1}, both days counted, and what became of it. Not every log is kept, and not"
        " every attack is found: what was not covered is stated here.",
        ja="{0}から{1}まで（両日を含む）に受信した監視ログと、その処理結果を示します。"
        "すべてのログを保管できるとも、すべての攻撃を検知できるとも限らないため、確認できなかった範囲も示します。",
    ),
    "records": Text(en="Records", ja="レコード数"),
    "days_heard": Text(en="days on which it was heard / days", ja="受信のあった日数／日数"),
    "not_fetched": Text(en="not fetched (records in it: unknown)", ja="未取得（含まれるレコード数は不明）"),
    "no_logs": Text(en="No source of monitoring logs is set up.", ja="監視ログの取得元は設定されていません。"),
    "log_gaps": Text(en="Nothing was taken in", ja="監視ログを受け入れなかった時間"),
    "no_log_gaps": Text(
        en="There was no time in which nothing was taken in.", ja="監視ログの受け入れを中断した時間はありません。"
    ),
    "from": Text(en="From (Japan time)", ja="開始（日本時間）"),
    "to": Text(en="To", ja="終了"),
    "minutes": Text(en="Minutes", ja="分"),
    "control_note": Text(
        en="«Mapped to» names controls that a policy answers; it is no certification.",
        ja="「対応する管理策」は、ポリシーが該当する管理策の番号を示すものであり、認証を意味するものではありません。",
    ),
}


def second_sources(finding: Finding, language: Language) -> str:
    """Return what others' checks say of a finding, as `checkov:CKV_K8S_16: fault found`; empty where none was asked."""
    return ", ".join(f"{source.check}: {SAID[source.status].of(language)}" for source in finding.sources)
