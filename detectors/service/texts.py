"""Findings of category service in words: their titles, and what is to be done about them."""

from collections.abc import Mapping

from detectors.service import flood, silence, suspension
from model.text import Text

TITLES: Mapping[str, Text] = {
    flood.POLICY: Text(en="Flood of monitoring logs", ja="監視ログが急増している"),
    silence.POLICY: Text(en="A source of monitoring logs has fallen silent", ja="監視ログの受信が途絶えている"),
    suspension.POLICY: Text(en="The taking in of monitoring logs is suspended", ja="監視ログの受け入れを停止している"),
}
FIXES: Mapping[str, Text] = {
    flood.POLICY: Text(
        en="Find out what causes the records, and stop it at its source, or agree on a higher "
        "rate. What is within the committed rate is processed first all the same; the rest may wait.",
        ja="監視ログが増えた原因を調べ、発生元で抑えるか、基準レートの引き上げを協議する。"
        "基準レート以内のログは引き続き優先して処理されるが、超過分の処理は遅れることがある。",
    ),
    suspension.POLICY: Text(
        en="Stop at their source what most of the records are, or have them left out there. Once the volume is calm "
        "after the period, logs are taken in again by and by; or once the provider lifts the suspension.",
        ja="件数の多いイベントの発生を送信元で止めるか、送信の対象から除外する。停止期間の経過後に件数が平常に戻るか、"
        "提供者が停止を解除すると、受け入れを段階的に再開する。",
    ),
    silence.POLICY: Text(
        en="Look whether the source still records events and still sends them: the trail or diagnostic setting, "
        "the queue, the token. Somebody may have stopped it on purpose.",
        ja="送信元で記録と送信が続いているか（証跡や診断設定、キュー、トークン）を確認する。"
        "何者かが意図的に停止させた可能性もある。",
    ),
}
