"""The terminal of whoever runs the scan."""

from msgspec import Struct

from model.alert import Alert
from model.finding import CATEGORY_WORDS, WITHDRAWN, State
from model.text import Language, Text, printable
from notifier.message import SENT, Message, Notice, Outcome, Ways

_SHOWN = 10
BECAME: dict[State, Text] = {
    "open": Text(en="new", ja="新規"),
    "reopened": Text(en="reopened", ja="再オープン"),
    "in_progress": Text(en="in progress", ja="対応中"),
    "suppressed": Text(en="suppressed", ja="例外により対象外"),
    "resolved": Text(en="resolved", ja="解消"),
}
_WITHDRAWN = Text(en="policy withdrawn", ja="ポリシーの取り下げ")


def what_became(alert: Alert, language: Language) -> str:
    """Return in the language what became of an alert's findings, with what kind they are unless a configuration."""
    became = BECAME[alert.became].of(language)
    said = [_WITHDRAWN.of(language)] if alert.because == WITHDRAWN else []
    if alert.category != "posture":
        said.append(CATEGORY_WORDS[alert.category].of(language))
    if not said:
        return became
    return f"{became}（{'・'.join(said)}）" if language == "ja" else f"{became} ({', '.join(said)})"


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """Takes none."""


def send(message: Message | Notice, _settings: Settings, ways: Ways) -> Outcome:
    """Write the alert, at most ten of its resources, or what is to be said of a contract; and who provides it."""
    lines = _of_notice(message) if isinstance(message, Notice) else _of_alert(message)
    if message.provided_by:
        lines.append(f"    {message.provided_by}")
    ways.terminal.write("\n".join(lines) + "\n")
    ways.terminal.flush()
    return SENT


def _of_notice(notice: Notice) -> list[str]:
    name = printable(notice.name.of(notice.language))
    return [f"[contract] {name} ({notice.tenant}): {notice.text.of(notice.language)}{notice.cited}"]


def _of_alert(message: Message) -> list[str]:
    alert, language = message.alert, message.language
    title = printable(alert.title.of(language))
    lines = [f"[{alert.severity}] {what_became(alert, language)}: {title} ({len(alert.items)})"]
    for item in alert.items[:_SHOWN]:
        lines.append(f"    {printable(item.name)}  {item.region}  {printable(item.message.of(language))}")
    if (more := len(alert.items) - _SHOWN) > 0:
        lines.append(f"    ほか{more}件" if language == "ja" else f"    and {more} more")
    return lines
