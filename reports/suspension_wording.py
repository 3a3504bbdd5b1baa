"""The fixed texts of the evidence page of a suspension (Article 11)."""

from collections.abc import Mapping

from model.log_volume import Cause
from model.suspension_case import SuspensionScope
from model.text import Language, Text, printable
from reports.charts import number

CAUSES: Mapping[Cause, Text] = {
    "own": Text(en="Caused by this service's own access", ja="本サービス自身のアクセスによるもの"),
    "repeat": Text(en="Received again (repeats)", ja="重複して受信したもの"),
    "catch-up": Text(
        en="Caught up after an interruption of this service", ja="本サービスの中断後にまとめて受信したもの"
    ),
    "back-fill": Text(en="Filled back afterwards", ja="後から補填したもの"),
}
# Of one, of any other number.
UNITS: Mapping[str, tuple[Text, Text]] = {
    "percent": (Text(en="%", ja="%"), Text(en="%", ja="%")),
    "records": (Text(en="record", ja="件"), Text(en="records", ja="件")),
    "seconds": (Text(en="second", ja="秒"), Text(en="seconds", ja="秒")),
    "minutes": (Text(en="minute", ja="分"), Text(en="minutes", ja="分")),
    "hours": (Text(en="hour", ja="時間"), Text(en="hours", ja="時間")),
    "days": (Text(en="day", ja="日"), Text(en="days", ja="日")),
    "times": (Text(en="time", ja="回"), Text(en="times", ja="回")),
}
DECISIONS: Mapping[str, Text] = {
    "confirmed": Text(en="confirmed", ja="確認"),
    "extended": Text(en="extended", ja="延長"),
    "lifted": Text(en="lifted", ja="解除"),
    "rejected": Text(en="rejected", ja="却下"),
}
RECIPIENTS: Mapping[str, Text] = {
    "customer": Text(en="Customer", ja="お客様"),
    "staff": Text(en="Provider's staff", ja="サービス提供者の担当者"),
}
DELIVERIES: Mapping[str, Text] = {
    "sent": Text(en="delivered", ja="送達済み"),
    "queued": Text(en="waiting to be sent", ja="送信待ち"),
    "failed": Text(en="not delivered", ja="未達"),
}
# Where a case stands now, by what came of it.
STANDINGS: Mapping[str, Text] = {
    "suspended": Text(en="Suspended", ja="停止中"),
    "ended": Text(en="Suspension ended", ja="停止終了"),
    "proposed": Text(en="Proposed", ja="提案中"),
    "closed": Text(en="Proposal closed", ja="提案終了"),
}
STOPS: Mapping[SuspensionScope, tuple[Text, ...]] = {
    "logs": (Text(en="Monitoring logs are neither taken in nor fetched.", ja="監視ログの受け入れと取得"),),
    "service": (
        Text(en="Monitoring logs are neither taken in nor fetched.", ja="監視ログの受け入れと取得"),
        Text(en="Cloud configurations are not scanned.", ja="クラウド設定のスキャン"),
        Text(en="No new change is planned or carried out.", ja="新たな変更の計画と実施"),
    ),
}
GOES_ON: Mapping[SuspensionScope, tuple[Text, ...]] = {
    "logs": (
        Text(en="Logs already taken in are processed, and people notified.", ja="受け入れ済みログの処理と結果の通知"),
        Text(en="Scans and change plans go on.", ja="クラウド設定のスキャンと変更計画"),
        Text(en="Changes that we made can be rolled back.", ja="当社が実施した変更のロールバック"),
    ),
    "service": (
        Text(en="Logs already taken in are processed, and people notified.", ja="受け入れ済みログの処理と結果の通知"),
        Text(en="Changes that we made can be rolled back.", ja="当社が実施した変更のロールバック"),
    ),
}
FLOOD = Text(
    en="In {massive} of the last {window} minutes, more than {threshold} records came in from this customer's"
    " environment, which is {percent} % of the committed rate ({committed} records a minute).",
    ja="本件のお客様の環境から、直近{window}分のうち{massive}分で、基準レート（{committed}件/分）の{percent}%にあたる"
    "{threshold}件を超えるログを受信しました。",
)
WHY: Mapping[str, Text] = {
    "waiting": Text(
        en="Monitoring logs of other customers waited to be processed: in the last {run} minutes on end, the 99th"
        " percentile of their waiting time was more than {limit} seconds, and {most} seconds at most. What they sent"
        " and this customer's committed rate together were within the processing capacity.",
        ja="他のお客様の監視ログに処理待ちが生じました。待ち時間の99パーセンタイルは直近{run}分間連続して{limit}秒を超え、"
        "最大{most}秒でした。この間、他のお客様のログと本件のお客様の基準レート分の合計は、処理能力の範囲内でした。",
    ),
    "disk": Text(
        en="The disk that all customers share was filling up: at the growth of the last {minutes} minutes it would have"
        " been full within {hours} hours (threshold: {limit} hours). {percent} % of that growth were logs of this"
        " customer (threshold: more than {part} %).",
        ja="全てのお客様が共用するディスクの空き容量が減少しました。直近{minutes}分間の増加ペースでは、"
        "{hours}時間で満杯になる見込みでした（しきい値：{limit}時間以内）。増加量のうち{percent}%が"
        "本件のお客様のログでした（しきい値：{part}%超）。",
    ),
    "intake": Text(
        en="Refusing logs of this customer took more than {limit} % of the processing capacity in each of the last"
        " {run} minutes on end, and {most} % at most.",
        ja="本件のお客様のログの拒否処理が、直近{run}分間連続して処理能力の{limit}%を超え、最大{most}%に達しました。",
    ),
    "backlog": Text(
        en="Logs of this customer that wait to be processed came to {hours} hours of the committed rate (threshold:"
        " more than {limit} hours). Other customers are not affected. For this reason a suspension is never decided"
        " automatically: it is proposed, and a lead decides.",
        ja="本件のお客様のログの未処理分が、基準レートの{hours}時間分に達しました（しきい値：{limit}時間分超）。"
        "他のお客様への影響はありません。この理由による停止は自動では行わず、提案にとどめ、SOCリーダーが判断します。",
    ),
    "massive": Text(
        en="After an earlier suspension the volume was being probed step by step, and a minute was massive again.",
        ja="以前の停止の後、受け入れを段階的に再開して確認していたところ、再び大量のログを受信しました。",
    ),
}
CHART: Mapping[str, Text] = {
    "volume": Text(en="Records a minute (logarithmic scale)", ja="1分あたりの件数（対数目盛）"),
    "waiting": Text(
        en="Waiting time of other customers' logs, 99th percentile", ja="他のお客様のログの待ち時間（99パーセンタイル）"
    ),
    "disk": Text(en="Free space of the shared disk", ja="共用ディスクの空き容量"),
    "intake": Text(
        en="Processing capacity taken by refusing this customer's logs", ja="ログの拒否処理が占めた処理能力"
    ),
    "backlog": Text(en="Logs of this customer that wait to be processed", ja="本件のお客様のログの未処理分"),
}
CHART_UNITS: Mapping[str, Text] = {
    "volume": Text(en="records a minute", ja="件/分"),
    "waiting": Text(en="seconds", ja="秒"),
    "intake": Text(en="% of the capacity", ja="処理能力に対する割合（%）"),
    "backlog": Text(en="records", ja="件"),
}
CHART_TEXT: Mapping[str, Text] = {
    "volume": Text(
        en="{begin} to {end} (Japan time). {massive} of the last {window} minutes are massive: more than {threshold}"
        " records, which is {percent} % of the committed rate of {committed} records a minute. Of the last"
        " {late_window} minutes, {late} are massive. The highest minute is {peak_at} with {peak} records.",
        ja="{begin}～{end}（日本時間）。直近{window}分のうち{massive}分が大量（基準レート{committed}件/分の{percent}%"
        "＝{threshold}件を超過）。直近{late_window}分では{late}分が大量。最大は{peak_at}の{peak}件。",
    ),
    "waiting": Text(
        en="{begin} to {end} (Japan time). The limit is {limit} seconds. It was exceeded in {beyond} minutes, in {run}"
        " of them on end up to the decision. The highest value is {most} seconds.",
        ja="{begin}～{end}（日本時間）。上限は{limit}秒。超過は{beyond}分で、うち直近の連続超過は{run}分。最大は{most}秒。",
    ),
    "disk": Text(
        en="{begin} to {end} (Japan time). Free at the beginning: {first}; at the end: {last}. In the last {minutes}"
        " minutes the data kept on it grew by {total}, of which {own} are of this customer. At this growth, {needed}"
        " are full after {hours} hours.",
        ja="{begin}～{end}（日本時間）。空き容量は開始時{first}、終了時{last}。直近{minutes}分間の増加量は{total}、"
        "うち本件のお客様の分は{own}。同じペースでの{hours}時間分の増加量は{needed}。",
    ),
    "intake": Text(
        en="{begin} to {end} (Japan time). The limit is {limit} %. It was exceeded in {beyond} minutes, in {run} of"
        " them on end up to the decision. The highest value is {most} %.",
        ja="{begin}～{end}（日本時間）。上限は{limit}%。超過は{beyond}分で、うち直近の連続超過は{run}分。最大は{most}%。",
    ),
    "backlog": Text(
        en="{begin} to {end} (Japan time). The threshold is {limit} records. At the end {last} records were waiting.",
        ja="{begin}～{end}（日本時間）。しきい値は{limit}件。終了時の未処理分は{last}件。",
    ),
    "missing": Text(
        en=" {missing} minutes were not measured; they are grey.", ja="灰色の{missing}分は測定値がありません。"
    ),
    "low": Text(
        en=" Minutes below the scale are drawn on its lowest line.", ja="目盛の下限を下回る分は、下端に描いています。"
    ),
}
FACTS: Mapping[str, Text] = {
    "limit": Text(
        en="Limit: the longer of {seconds} s and {percent} % of the waiting time in calm times ({calm} s)",
        ja="上限：{seconds}秒と、平常時の待ち時間（{calm}秒）の{percent}%のうち長いほう",
    ),
    "waiting_run": Text(
        en="Minutes on end beyond the limit, up to the decision (needed: {needed})",
        ja="決定直前の連続超過時間（要件：{needed}分）",
    ),
    "waiting_most": Text(
        en="Longest waiting time in these minutes (99th percentile)", ja="同時間内の最長の待ち時間（99パーセンタイル）"
    ),
    "others": Text(
        en="Records of all other customers together, highest minute", ja="他のお客様全体の件数（最も多い1分間）"
    ),
    "committed": Text(en="Committed rate of this customer a minute", ja="本件のお客様の基準レート（1分あたり）"),
    "capacity": Text(en="Processing capacity a minute, at the end", ja="1分あたりの処理能力（終了時）"),
    "growth": Text(en="Growth of the data on the disk in {minutes} minutes", ja="{minutes}分間のデータ増加量"),
    "own": Text(en="Of this, logs of this customer", ja="うち本件のお客様のログ"),
    "free": Text(en="Free space at the end", ja="終了時の空き容量"),
    "full": Text(
        en="Time until the disk is full at this growth (threshold: {limit} hours)",
        ja="同じペースで満杯になるまでの時間（しきい値：{limit}時間）",
    ),
    "intake_run": Text(
        en="Minutes on end beyond {limit} % of the capacity, up to the decision (needed: {needed})",
        ja="決定直前に処理能力の{limit}%を連続して超えた時間（要件：{needed}分）",
    ),
    "intake_most": Text(en="Highest part of the capacity in these minutes", ja="同時間内に占めた処理能力の最大値"),
    "refused": Text(en="Records refused in the minutes shown", ja="図の期間に拒否した件数"),
    "backlog": Text(en="Records of this customer that wait", ja="本件のお客様の未処理件数"),
    "backlog_hours": Text(
        en="The same in hours of the committed rate (threshold: more than {limit})",
        ja="基準レート換算の時間（しきい値：{limit}時間超）",
    ),
}
FIGURES: Mapping[str, Text] = {
    "massive": Text(
        en="of the last minutes that count are massive", ja="判定対象の直近{0}分のうち、大量と判定した分数"
    ),
    "peak": Text(
        en="records in the highest minute, {0} times the committed rate", ja="最大の1分間の件数（基準レートの{0}倍）"
    ),
    "peak_alone": Text(en="records in the highest minute", ja="最大の1分間の件数"),
    "committed": Text(en="records a minute are the committed rate", ja="基準レート（1分あたりの件数）"),
    "waiting": Text(
        en="longest waiting time of other customers' logs (limit: {0} s)",
        ja="他のお客様のログの最長の待ち時間（上限{0}秒）",
    ),
    "disk": Text(
        en="until the shared disk is full (threshold: {0} h)", ja="共用ディスクが満杯になるまで（しきい値{0}時間）"
    ),
    "intake": Text(en="of the capacity taken by refusing (limit: {0} %)", ja="拒否処理が占めた処理能力（上限{0}%）"),
    "backlog": Text(
        en="of the committed rate wait (threshold: {0} h)", ja="未処理分の基準レート換算（しきい値{0}時間）"
    ),
}
ADVICE: tuple[Text, ...] = (
    Text(
        en="Look for what causes the most frequent types of events: for example a program that repeats calls without"
        " pause, a new batch job, or a logging setting that was widened.",
        ja="件数の多い種別のイベントについて、発生元を調査してください。例として、間隔を空けずに再試行を繰り返すプログラム、"
        "新しいバッチ処理、ログ記録範囲の拡大などが考えられます。",
    ),
    Text(
        en="Reduce it at its source, or narrow which events are recorded and sent.",
        ja="発生元で件数を抑えるか、記録・送信するイベントの範囲を絞ってください。",
    ),
    Text(
        en="If the volume is expected to stay, consult with us about a higher committed rate (individual condition).",
        ja="件数の多い状態が今後も続く見込みであれば、基準レートの引き上げ（個別条件）をご相談ください。",
    ),
)
COLUMNS: Mapping[str, Text] = {
    "waiting": Text(en="Waiting (s)", ja="待ち時間（秒）"),
    "disk": Text(en="Free", ja="空き容量"),
    "intake": Text(en="Refusing (%)", ja="拒否処理（%）"),
    "backlog": Text(en="Backlog", ja="未処理分"),
}
TEXTS: Mapping[str, Text] = {
    "title": Text(en="Suspension because of massive logs", ja="大量ログによる停止に関する報告書"),
    "title_proposed": Text(
        en="Proposed suspension because of massive logs", ja="大量ログによる停止の提案に関する報告書"
    ),
    "subtitle": Text(en="Evidence report under Article 11 of the terms of service", ja="約款第11条に基づく根拠資料"),
    "customer": Text(en="Customer", ja="お客様"),
    "case": Text(en="Case", ja="事案番号"),
    "standing": Text(en="Status", ja="現在の状態"),
    "decided": Text(en="Decided", ja="決定日時"),
    "proposed_at": Text(en="Proposed", ja="提案日時"),
    "clause": Text(en="Clause", ja="根拠条項"),
    "article": Text(en="Article 11 of the terms of service", ja="約款第11条"),
    # 1
    "decision": Text(en="Decision", ja="決定の内容"),
    "what": Text(en="Decision", ja="決定"),
    "was_suspended": Text(en="Suspended automatically, by measured values", ja="測定値に基づく自動停止"),
    "was_confirmed": Text(en="Suspended, as confirmed by a lead", ja="SOCリーダーの確認による停止"),
    "was_proposed": Text(en="Suspension proposed, for a lead to decide", ja="停止の提案（SOCリーダーが判断）"),
    "scope": Text(en="Scope", ja="対象範囲"),
    "scope_logs": Text(en="Monitoring logs", ja="監視ログ"),
    "scope_service": Text(en="Service as a whole", ja="サービス全体"),
    "as_decided": Text(en="as decided: {0}", ja="決定時：{0}"),
    "since": Text(en="Since", ja="開始"),
    "until": Text(en="Until", ja="終了予定"),
    "lapses": Text(en="Lapses unless confirmed by", ja="確認期限（経過すると失効）"),
    "until_lifted": Text(en="until it is lifted", ja="解除まで"),
    "ended": Text(en="Ended", ja="終了"),
    "reason": Text(en="Reason", ja="理由"),
    "grounds": Text(en="Decided by", ja="判断の根拠"),
    "standing_judgement": Text(
        en="Standing judgement in edition {edition} of the specification, judged on {on} by {author}, approved by"
        " {approver}",
        ja="仕様書{edition}版の包括的な判断（{on}、起案：{author}、承認：{approver}）",
    ),
    "confirmed_by": Text(en="Confirmed by {person}, {at}", ja="{person}が確認（{at}）"),
    "no_grounds": Text(en="No confirmation is on record.", ja="確認の記録はありません。"),
    "why_proposed": Text(en="Why a lead decides", ja="SOCリーダーが判断する理由"),
    "stops": Text(en="Suspended", ja="停止するもの"),
    "would_stop": Text(en="Suspended once confirmed", ja="確認後に停止するもの"),
    "goes_on": Text(en="Goes on", ja="継続するもの"),
    "not_yet": Text(
        en="Until a lead has confirmed the proposal, nothing is suspended.",
        ja="SOCリーダーが提案を確認するまで、停止は行いません。",
    ),
    "measured_lead": Text(
        en="Only records that came from the customer's environment are counted.",
        ja="お客様の環境から発生したログのみを件数に含めています。",
    ),
    # 2
    "measured": Text(en="Measurements", ja="測定結果"),
    "massive_line": Text(en="massive: > {0}", ja="大量：{0}超"),
    "committed_line": Text(en="committed: {0}", ja="基準レート：{0}"),
    "limit_line": Text(en="limit: {0}", ja="上限：{0}"),
    "threshold_line": Text(en="threshold: {0}", ja="しきい値：{0}"),
    "growth_line": Text(en="{0} h of growth", ja="増加{0}時間分"),
    "massive_mark": Text(en="massive minutes", ja="大量の1分間"),
    "beyond_mark": Text(en="beyond the limit", ja="上限超過"),
    # 3
    "thresholds": Text(en="Thresholds", ja="しきい値"),
    "thresholds_lead": Text(
        en="The thresholds are the same for all customers, except where individual conditions say otherwise. The layer"
        " says which document sets the value.",
        ja="しきい値は、個別条件に定めがある場合を除き、全てのお客様に共通です。「定め」の欄に、値を定めた文書を示します。",
    ),
    "individual_some": Text(
        en=" In this case, individual conditions set {0} of them.", ja="本件では、{0}項目が個別条件によります。"
    ),
    "individual_none": Text(
        en=" In this case, none is set by individual conditions.", ja="本件に、個別条件によるものはありません。"
    ),
    "setting": Text(en="Threshold", ja="項目"),
    "value": Text(en="Value", ja="値"),
    "layer": Text(en="Layer", ja="定め"),
    # 4
    "left_out": Text(en="Records that were not counted", ja="件数に含めなかったログ"),
    "left_out_lead": Text(
        en="Records of these causes came in during the minutes shown. They do not come from the customer's environment,"
        " and no minute became massive by them.",
        ja="次の原因によるログは、お客様の環境から発生したものではないため、件数に含めず、大量の判定にも用いていません。"
        "図の期間における合計を示します。",
    ),
    "cause": Text(en="Cause", ja="原因"),
    "other_causes": Text(en="Other causes", ja="その他"),
    "records": Text(en="Records", ja="件数"),
    "total": Text(en="Total", ja="合計"),
    # 5
    "impact": Text(en="Impact on other customers", ja="他のお客様への影響"),
    "own_impact": Text(en="Impact", ja="影響"),
    "impact_note": Text(
        en="Values of other customers are those of all of them together; none is named.",
        ja="他のお客様に関する値は全体の集計値です。個々のお客様の名称は記載していません。",
    ),
    "measure": Text(en="Measure", ja="指標"),
    "no_impact": Text(
        en="This decision goes by the volume while probing; the impact is that of the suspension before.",
        ja="本件は再開の確認中の件数により決定しました。影響については、以前の停止の報告書をご参照ください。",
    ),
    # 6
    "stages": Text(en="Stages up to the decision", ja="決定までの段階の推移"),
    "at": Text(en="Time (Japan)", ja="日時（日本時間）"),
    "from": Text(en="From", ja="変更前"),
    "to": Text(en="To", ja="変更後"),
    "no_changes": Text(en="No change of stage is on record before it.", ja="決定前の段階変更の記録はありません。"),
    # 7
    "people": Text(en="Judgements by people", ja="SOCリーダーによる判断"),
    "person": Text(en="Person", ja="判断者"),
    "judgement": Text(en="Judgement", ja="判断"),
    "no_people": Text(en="Nobody has judged on it yet.", ja="現時点で、SOCリーダーによる判断の記録はありません。"),
    # 8
    "notices": Text(en="Notices", ja="通知の記録"),
    "recipient": Text(en="To", ja="宛先"),
    "channel": Text(en="Channel", ja="経路"),
    "receipt": Text(en="Receipt", ja="送達状況"),
    "no_notices": Text(en="No notice is on record.", ja="通知の記録はありません。"),
    # 9
    "gaps": Text(en="Logs that were not taken in", ja="受け入れなかったログ"),
    "gaps_lead": Text(
        en="By source; what is not known is said so, and is not counted as nothing.",
        ja="取得元ごとに示します。把握できないものは「不明」とし、0件とは扱いません。",
    ),
    "source": Text(en="Source", ja="取得元"),
    "things": Text(en="Requests or objects", ja="リクエスト・オブジェクト数"),
    "bytes": Text(en="Size", ja="サイズ"),
    "filled": Text(en="Records filled back later", ja="後から補填した件数"),
    "unknown": Text(en="unknown", ja="不明"),
    "unknown_too": Text(en="{known} (unknown sources: {unknown})", ja="{known}（不明な取得元：{unknown}件）"),
    "known_total": Text(en="Total of what is known", ja="判明分の合計"),
    "no_gaps": Text(en="No gap is on record.", ja="受け入れなかったログの記録はありません。"),
    # 10
    "fees": Text(en="Fees", ja="料金"),
    "fees_text": Text(
        en="The suspension does not change what is billed: fees go on during it (Article 11).",
        ja="停止は請求額に影響しません。停止期間中も料金は発生します（第11条）。",
    ),
    "fees_proposed": Text(
        en="A suspension would not change what is billed: fees go on during it (Article 11).",
        ja="停止した場合も、請求額に影響はありません。停止期間中も料金は発生します（第11条）。",
    ),
    # 11
    "advice": Text(en="Finding the cause", ja="原因調査のための情報"),
    "sampled": Text(
        en="Most frequent among {0} sampled records:", ja="抽出した{0}件のうち、件数の多いものを示します。"
    ),
    "no_sample": Text(en="No sample of records was available.", ja="ログの抽出結果はありません。"),
    "event_type": Text(en="Type of event", ja="イベント種別"),
    "principal": Text(en="Principal (pseudonym)", ja="操作主体（仮名）"),
    "share": Text(en="Part of sample", ja="抽出数に占める割合"),
    "none": Text(en="none", ja="なし"),
    "pseudonyms": Text(
        en="Principals are shown by pseudonyms that are made with a secret key: the same principal always has the same"
        " pseudonym within this customer, and the name does not follow from it without the key.",
        ja="操作主体は、秘密鍵を用いて生成した仮名で示しています。同じお客様の中では、同じ操作主体の仮名は同一です。"
        "鍵がなければ、仮名から元の名称は分かりません。",
    ),
    # 12
    "about": Text(en="About this document", ja="本書について"),
    "as_of": Text(
        en="Sections 1 to 6 and 11, and the appendix, have the values on which the decision was made; they are not"
        " changed afterwards. Status, end, judgements, notices and logs that were not taken in are as of when this page"
        " was made.",
        ja="1～6、11および付録の数値は決定時のものであり、その後の変更はありません。"
        "現在の状態、終了、SOCリーダーによる判断、通知の記録および受け入れなかったログは、本書の作成時点のものです。",
    ),
    "hash_text": Text(
        en="SHA-256 of the case (JSON with sorted keys, no white space). The same value stands in the audit chain:",
        ja="事案データ（キーを整列した空白なしのJSON）のSHA-256です。同じ値が監査記録のチェーンに記録されています。",
    ),
    # Appendix
    "appendix": Text(en="Appendix: values by minute", ja="付録：1分ごとの測定値"),
    "minute": Text(en="Minute", ja="時刻"),
    "massive": Text(en="massive", ja="大量"),
    "not_measured": Text(en="not measured", ja="測定値なし"),
    "uncounted": Text(en="Not counted", ja="対象外"),
    "day_note": Text(en="Japan time, from {0}. ● = massive.", ja="{0}からの日本時間。●は大量を示します。"),
}


def worded(words: Mapping[str, Text], name: str) -> Text:
    """Return the words for a name that is on record; the name itself where there are none, as it can be shown."""
    return words.get(name) or Text(printable(name), printable(name))


def counted(unit: str, value: float, language: Language) -> str:
    """Return a value with its unit, as it is on record, in a language: `1 minute`, `54 minutes`, `300 %`."""
    one, many = UNITS.get(unit) or (Text(printable(unit), printable(unit)),) * 2
    said = (one if value == 1 else many).of(language)
    return f"{number(value)}{said}" if language == "ja" and unit in UNITS else f"{number(value)} {said}"
