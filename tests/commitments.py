"""Words by which a text commits the provider to an outcome: no text has any (Article 10).

Whoever needs one all the same, to deny it or to instruct a customer, says so under `ALLOWED`.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

_WORDS = re.compile(
    r"保証|保障|約束|確約|必ず|絶対|万全|漏れなく|完全に(?:防|保護|守)|確実に(?:防|保護|守|検知|検出|通知)"
    r"|100\s?[%％]|１００[%％]|100\s?パーセント"
    r"|\bSLAs?\b|\bservice levels?\b|\bguarant(?:y|ee)\w*|\bwarrant(?:y|ies|s|ed)?\b|\bpromis(?:e|es|ed|ing)\b"
    r"|\bensures? that you\b|\bfully protect\w*",
    re.IGNORECASE,
)
# What may stay, with the reason.
ALLOWED = {
    "Detection of every fault is not promised": "denies it (Article 12)",
    "すべての問題の検出をお約束するものではありません": "denies it (Article 12)",
    "requestsは必ず設定する": "instructs the customer: what to set in a manifest",
}
_ALLOWED = re.compile("|".join(map(re.escape, ALLOWED)))
_TAG = re.compile(r"<[^<>]*>")
# A line's end between characters without blanks between words is none; any other is a blank.
_JOINED = re.compile(r"(?<=[^\x00-\x7f])[ \t]*\n\s*(?=[^\x00-\x7f])")


def plain(text: str) -> str:
    """Return a text in one line, as a reader sees it."""
    return " ".join(_JOINED.sub("", text).split())


def committing(line: str) -> list[str]:
    """Return the words of a text in one line that commit to something, each with what stands around it."""
    rest = _ALLOWED.sub(" ", line)
    return [rest[max(found.start() - 30, 0) : found.end() + 30] for found in _WORDS.finditer(rest)]


def texts(file: Path) -> Iterator[str]:
    """Yield the texts of a file: of a program its literals, of a page what stands between tags, else the whole."""
    text = file.read_text(encoding="utf-8")
    match file.suffix:
        case ".py":
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value
        case ".html":
            yield _TAG.sub(" ", text)
        case _:
            yield text
