"""The clauses of the terms: each has its rule, each rule that is there its tests, and the document says so."""

import ast
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from catalog.clauses import RuleForm, load_clauses
from catalog.folder import config_folder
from catalog.terms import load_settings
from model.fault import Refused
from model.text import Text
from tests.contract import terms_document
from tests.contract.terms_document import COMMANDS, Marked, marked, marks

# Every clause of the terms of 2024-04-01, by their numbered paragraphs.
CLAUSES = (
    "1(1) 1(2) 1(3) 2 3(1) 3(2) 4 5(1) 5(2) 5(3) 6(1) 6(2) 6(3) 7(1) 7(2) 8(1) 8(2) 9(1) 9(2) 10 11 12 "
    "13(1) 13(2) 13(3) 13(4) 14 附則"
)
SHOWN = {article for rule in load_clauses(config_folder()) if rule.state == "shown" for article in rule.articles}


def test_each_clause_has_one_rule_in_our_own_words() -> None:
    rules = load_clauses(config_folder())
    assert sorted(clause for rule in rules for clause in rule.clauses) == sorted(CLAUSES.split())
    for rule in rules:
        texts = [rule.rule, *filter(None, [rule.decides, rule.missing])]
        assert all(text.en and re.search("[ぁ-んァ-ン一-龠]", text.ja) for text in texts)


@pytest.mark.shared
def test_no_sentence_is_the_terms_own(shared_folder: Path) -> None:
    """No twenty characters in a row, and no clause between marks of eight and more."""
    [file] = (shared_folder / "terms").glob("*.txt")
    own = re.sub(r"\s", "", file.read_text(encoding="utf-8"))
    assert len(own) > 3000
    for rule in load_clauses(config_folder()):
        for text in filter(None, [rule.rule, rule.decides]):
            ours = re.sub(r"\s", "", text.ja)
            assert [ours[n : n + 20] for n in range(len(ours) - 19) if ours[n : n + 20] in own] == []
            assert [part for part in re.split("[、。（）「」]", ours) if len(part) > 7 and part in own] == []


def test_what_is_shown_is_shown_by_commands_too() -> None:
    every = {article for one in marked() for article in one.articles}
    by_commands = {article for one in marked() if one.file.startswith(COMMANDS) for article in one.articles}
    assert every == SHOWN, "clauses.yaml says of each article whether tests show it"
    assert by_commands == SHOWN, "tests/cli/test_articles.py has those that no other test of commands shows"


def test_each_rule_that_is_shown_has_tests_of_its_own_by_commands() -> None:
    rules = load_clauses(config_folder())
    by_commands = [one for one in marked() if one.file.startswith(COMMANDS)]
    shown = [rule for rule in rules if rule.state == "shown"]
    assert len(shown) > 10
    assert [rule.clauses for rule in shown if not any(one.shows(rule, rules) for one in by_commands)] == []


def test_every_mark_is_found() -> None:
    """A mark stands above a function: one of a module, a class or a case would not be found."""
    found = 0
    for file in sorted(terms_document.ROOT.glob("tests/**/test_*.py")):
        text = file.read_text(encoding="utf-8")
        if "mark.article" in text and file != Path(__file__):
            own = [*marks(ast.parse(text))]
            assert len(own) == text.count("mark.article"), file
            found += len(own)
    assert found == len(marked()) > 30


def test_marks_are_read() -> None:
    code = "@pytest.mark.article(7, 9)\n@pytest.mark.shared\ndef test_a(): ...\ndef test_b(): ...\n"
    assert [*marks(ast.parse(code))] == [("test_a", frozenset({7, 9}))]


def test_a_test_shows_the_rule_that_has_most_of_its_articles() -> None:
    one, two, both = (RuleForm(clauses, Text(en="", ja=""), "shown") for clauses in (["1"], ["2(1)"], ["1", "2(2)"]))
    rules = [one, two, both]
    found = {
        articles: [rule.clauses for rule in rules if Marked("", "", frozenset(articles)).shows(rule, rules)]
        for articles in ((1,), (2, 3), (1, 2))
    }
    assert found == {(1,): [["1"]], (2, 3): [["2(1)"]], (1, 2): [["1", "2(2)"]]}


def test_the_document_is_what_is_made() -> None:
    text = terms_document.FILE.read_text(encoding="utf-8")
    assert text.count("<!-- table: ") == 3
    assert terms_document.written(text) == text, "`python -m tests.contract.terms_document` writes the tables anew"


def test_each_setting_says_what_goes_by_it() -> None:
    assert [key for key, one in load_settings(config_folder()).settings.items() if not one.goes_by] == []


@pytest.fixture
def edited(tmp_path: Path) -> Callable[[str, str], Path]:
    """Return a config folder whose clauses have another text in the place of one."""

    def made(old: str, new: str) -> Path:
        text = (config_folder() / "terms" / "clauses.yaml").read_text("utf-8")
        assert old in text
        (tmp_path / "terms").mkdir()
        (tmp_path / "terms" / "clauses.yaml").write_text(text.replace(old, new, 1), encoding="utf-8")
        return tmp_path

    return made


@pytest.mark.parametrize(
    ("old", "new", "at", "problem"),
    [
        ("state: shown", "status: shown", "status", "the key 'status' is not known here; did you mean 'state'?"),
        ("state: shown", "state: known", "known\n", "'known' has to be one of not yet, shown"),
        ('"1(1)"', '"15(1)"', '"15(1)"', "does not fit the pattern"),
        ('"1(1)"', '"1(2)"', '"1(2)", "1(3)"', "the clause 1(2) stands twice"),
        ('clauses: ["4"]', 'clauses: ["3"]', "- clauses", "has no rule of the articles 4"),
        ("    missing: {en: requests, ja: 協力依頼}\n", "", "not yet\n  - clauses: [\"5", "say under 'missing'"),
        ("    missing: {en: requests, ", "    missing: {", "{ja: 協力依頼", "lacks 'en'"),
    ],
)  # fmt: skip
def test_a_fault_of_the_data_is_one_line_with_its_place(
    edited: Callable[[str, str], Path], old: str, new: str, at: str, problem: str
) -> None:
    config = edited(old, new)
    text = (config / "terms" / "clauses.yaml").read_text("utf-8")
    before = text[: text.index(at)]
    with pytest.raises(Refused) as refused:
        load_clauses(config)
    [fault] = refused.value.faults
    assert problem in fault.problem
    assert fault.file == str(config / "terms" / "clauses.yaml")
    assert (fault.line, fault.column) == (before.count("\n") + 1, len(before) - before.rfind("\n"))
