"""What every HTML page of ours has: its frame, escaping, and texts and moments in the reader's language."""

from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from model.canonical import parse_instant
from model.clock import CONTRACT_ZONE, in_japan
from model.service_provider import provided_by
from model.text import Language, Text

TEMPLATES = Path(__file__).parent / "templates"


def page(template: str, language: Language, provider: Text | None, **words: Any) -> str:
    """Return a page in a language, which carries the name of the provider where there is one (Article 1(1)).

    The template fills the frame that all pages have (`templates/frame.html`) with these words.
    """
    frame = {"language": language, "provided_by": provided_by(provider, language), "style": style()}
    return _environment(language).get_template(template).render(words | frame)


def style() -> str:
    """Return the style sheet that all pages carry."""
    return (TEMPLATES / "report.css").read_text(encoding="utf-8")


def _environment(language: Language) -> Environment:
    """Return the templates for a language; autoescape for each: names and messages come from customers' accounts."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["text"] = lambda text: text.of(language)
    made.filters["moment"] = lambda text: _moment(parse_instant(text), language)
    made.filters["minute"] = lambda text: in_japan(parse_instant(text))
    made.filters["day"] = lambda text: str(parse_instant(text).astimezone(CONTRACT_ZONE).date())
    return made


def _moment(moment: datetime, language: Language) -> str:
    local = moment.astimezone(CONTRACT_ZONE)
    if language == "ja":
        return f"{local.year}年{local.month}月{local.day}日 {local:%H:%M}(日本時間)"
    return f"{local.day} {local:%B %Y, %H:%M} (Japan time)"
