"""The tables of `docs/terms.md`: clauses with the tests that show them, and settings.

`python -m tests.contract.terms_document` writes them anew. What tests show is said by their marks
(`@pytest.mark.article(7)`, several where they show several), which are read from the syntax trees.
"""

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import msgspec

from catalog.clauses import RuleForm, load_clauses
from catalog.folder import config_folder
from catalog.terms import SettingForm, load_settings

ROOT = Path(__file__).parent.parent.parent
FILE = ROOT / "docs" / "terms.md"
COMMANDS = "tests/cli/"
_MARK = "article"
_PLACE = re.compile(r"(<!-- table: (\w+) -->\n)(.*?)(<!-- end of the table -->\n)", re.DOTALL)


class Marked(NamedTuple):
    """A test with the articles that it shows."""

    file: str
    test: str
    articles: frozenset[int]

    def shows(self, rule: RuleForm, rules: Sequence[RuleForm]) -> bool:
        """Return whether a test shows a rule: by its articles, unless another rule has these and more of them."""
        of = {*rule.articles}
        return of <= self.articles and not any(of < {*other.articles} <= self.articles for other in rules)


def marks(tree: ast.AST) -> Iterator[tuple[str, frozenset[int]]]:
    """Yield the tests of a file that are marked, with their articles."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            for decorator in node.decorator_list:
                match decorator:
                    case ast.Call(func=ast.Attribute(attr=name), args=articles) if name == _MARK:
                        yield node.name, frozenset(ast.literal_eval(article) for article in articles)


@cache
def marked() -> list[Marked]:
    """Return all tests that show an article, by their files, in the order in which they stand there."""
    found = []
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        if f"mark.{_MARK}(" in (text := file.read_text(encoding="utf-8")):
            name = str(file.relative_to(ROOT))
            found += [Marked(name, test, articles) for test, articles in marks(ast.parse(text))]
    return found


def clauses() -> str:
    """Return the table of what the program makes of each clause, which tests show it, and what a person decides."""
    rows = ["| clause | rule | shown by | a person decides |", "|---|---|---|---|"]
    rules, before = _rules(), list[int]()
    for rule in rules:
        shown = ""
        if rule.state == "shown":
            shown = "the same" if rule.articles == before else _named_tests(rule, rules)
        missing = f"not yet: {rule.missing.en}" if rule.missing else ""
        cell = "<br>".join(filter(None, [shown, missing]))
        decides = rule.decides.en if rule.decides else "nothing"
        rows.append(f"| {', '.join(rule.clauses)} | {rule.rule.en} | {cell} | {decides} |")
        before = rule.articles
    return _joined(rows)


def clauses_ja() -> str:
    """Return the table of the clauses in Japanese; the tests stand in the other one."""
    rows = ["| 条項 | 規則 | 状態 | 担当者の判断 |", "|---|---|---|---|"]
    for rule in _rules():
        missing = f"未実装：{rule.missing.ja}" if rule.missing else ""
        state = missing
        if rule.state == "shown":
            state = "テスト済み" + (f"（{missing}）" if missing else "")
        decides = rule.decides.ja if rule.decides else "なし"
        rows.append(f"| {'、'.join(map(_in_japanese, rule.clauses))} | {rule.rule.ja} | {state} | {decides} |")
    return _joined(rows)


def settings() -> str:
    """Return the table of the settings."""
    rows = [
        "| key | unit | default | clause | may be set by | what goes by it today |",
        "|---|---|---|---|---|---|",
    ]
    for key, one in load_settings(config_folder()).settings.items():
        layers = ", ".join(one.layers)
        rows.append(f"| `{key}` | {one.unit} | {_default(one)} | {one.clause} | {layers} | {one.goes_by} |")
    return _joined(rows)


_TABLES: dict[str, Callable[[], str]] = {"clauses": clauses, "clauses_ja": clauses_ja, "settings": settings}


def written(text: str) -> str:
    """Return a text with every table in it written anew."""
    return _PLACE.sub(lambda found: f"{found[1]}{_TABLES[found[2]]()}{found[4]}", text)


def _rules() -> list[RuleForm]:
    return load_clauses(config_folder())


def _joined(rows: Sequence[str]) -> str:
    return "\n".join(rows) + "\n"


def _named_tests(rule: RuleForm, rules: Sequence[RuleForm]) -> str:
    """Return the tests of a rule: those of commands by their names, of others the files."""
    found = [one for one in marked() if one.shows(rule, rules)]
    names = sorted({f"`{one.test}`" for one in found if one.file.startswith(COMMANDS)})
    others = sorted({f"`{one.file}`" for one in found if not one.file.startswith(COMMANDS)})
    return "<br>".join(filter(None, [", ".join(names), ", ".join(others)]))


def _in_japanese(clause: str) -> str:
    """Return a clause as it is cited in Japanese."""
    found = re.fullmatch(r"([0-9]+)(?:\(([0-9])\))?", clause)
    if not found:
        return clause
    return f"第{found[1]}条" + (f"第{found[2]}項" if found[2] else "")


def _default(one: SettingForm) -> str:
    if one.default is None:
        return "none"
    return f"`{one.default}`" if isinstance(one.default, str) else f"`{msgspec.json.encode(one.default).decode()}`"


if __name__ == "__main__":
    FILE.write_text(written(FILE.read_text(encoding="utf-8")), encoding="utf-8")
