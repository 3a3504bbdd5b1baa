"""Findings of category service in words: their titles, and what is to be done about them."""

from collections.abc import Mapping

from detectors.service import flood, silence
from model.text import Text

TITLES: Mapping[str, Text] = {
    flood.POLICY: Text(en="Flood of monitoring logs", ja="監視ログの急増"),
    silence.POLICY: Text(en="A source of monitoring logs has fallen silent", ja="監視ログの受信途絶"),
}
FIXES: Mapping[str, Text] = {
    flood.POLICY: Text(
        en="Find out what causes the records, and stop it at its source, or agree on a higher "
        "rate. What is within the committed rate is processed first all the same; the rest may wait.",
        ja="件数が増加した原因を確認し、発生元で抑制するか、基準レートの引き上げを協議してください。"
        "基準レート内のログは引き続き優先して処理されますが、超過分の処理は遅れることがあります。",
    ),
    silence.POLICY: Text(
        en="Look whether the source still records events and still sends them: the trail or diagnostic setting, "
        "the queue, the token. Somebody may have stopped it on purpose.",
        ja="送信元で記録と送信が続いているか（証跡・診断設定、キュー、トークン）を確認してください。"
        "第三者が意図的に停止した可能性もあります。",
    ),
}
