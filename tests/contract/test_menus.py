"""What was bought: items of the menu by its editions, each capability refused where it was not."""

import ast
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from catalog.folder import config_folder
from catalog.terms import load_menus
from collectors.aws.resource_types import load as load_types
from contract.gate import decide
from contract.menus import capabilities, in_force, menu_on
from contract.records import Book
from contract.taking_over import records_of
from model.canonical import instant
from model.contract_action import Action
from model.contract_record import AcceptanceRecord, ContractRecord, ItemRecord, OrderRecord, What
from model.fault import Refused
from model.tenant import Contract
from model.terms import Menu, MenuItem
from model.text import Text
from pipeline.tenants.terms import terms
from tests.architecture.project import ROOT, SOURCES
from tests.contracts import EVIDENCE, why_not

START, NOON = date(2026, 4, 1), "T03:00:00Z"
TEXT = Text("t", "t")
BUYABLE = {action: row.capability for action, row in terms().actions.actions.items() if row.capability}


def at(day: str) -> datetime:
    return datetime.fromisoformat(day + NOON)


def records(*whats: What) -> list[ContractRecord]:
    """Return records of what was ordered and accepted at once."""
    found = list[ContractRecord]()
    for what in (OrderRecord(START), *whats):
        for one in (what, AcceptanceRecord(len(found) + 1)):
            moment = instant(at("2026-03-01"))
            found.append(ContractRecord(len(found) + 1, one, START.isoformat(), moment, "p"))
    return found


def menu(effective: str, **items: MenuItem) -> Menu:
    known = {capability: TEXT for item in items.values() for capability in item.capabilities}
    return Menu(effective, date.fromisoformat(effective), known, items)


@pytest.mark.article(2)
@pytest.mark.parametrize("action", BUYABLE)
@pytest.mark.parametrize("item", [None, *terms().menus[0].items])
def test_what_was_not_bought_is_refused_with_the_clause(action: Action, item: str | None) -> None:
    bought = {item, "base"} if item else set()
    book = Book(records(*(ItemRecord(one, START) for one in sorted(bought))), terms())
    decision = decide(action, book, at("2026-06-01"))
    given = {capability for one in bought for capability in terms().menus[0].items[one].capabilities}
    assert decision.allowed is (BUYABLE[action] in given)
    assert decision.allowed or (decision.clause == "2" and decision.reason.en != decision.reason.ja)


def test_each_capability_of_the_menus_is_asked_for() -> None:
    """By an action, by a type of resources, or by name in the pipeline: else it would be there for everybody."""
    details = {one.capability for type_ in load_types() for one in type_.form.details.values()}
    code = [ast.parse(file.read_text("utf-8")) for file in SOURCES if file.relative_to(ROOT).parts[0] == "pipeline"]
    named = {node.value for tree in code for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    known = {capability for menu in terms().menus for capability in menu.capabilities}
    not_there_yet = {"vulnerabilities"}  # config/terms/clauses.yaml says so
    assert known - {*BUYABLE.values()} - details - named == not_there_yet


@pytest.mark.article(2)
@pytest.mark.parametrize(
    ("day", "wanted"),
    [
        ("2026-03-31", {"own-policies"}),  # before it begins: what it will have
        ("2026-04-01", {"own-policies"}),
        ("2026-07-31", {"own-policies"}),
        ("2026-08-01", set()),
    ],
)
def test_an_option_has_its_days_and_ends_with_the_base(day: str, wanted: set[str]) -> None:
    base = ItemRecord("base", START, date(2026, 7, 31))
    book = Book(records(base, ItemRecord("own-policies", START)), terms())
    assert {"own-policies"} & book.bought(at(day)) == wanted
    assert decide("look", book, at(day)).allowed is (day in ("2026-04-01", "2026-07-31"))


@pytest.mark.article(2, 6)
def test_each_day_has_the_edition_of_the_menu_that_governs_it() -> None:
    base = MenuItem("base", TEXT, ["detection"])
    editions = [
        menu("2027-01-01", base=base, watch=MenuItem("option", TEXT, ["own-policies", "standing-orders"])),
        menu("2026-01-01", base=base, rules=MenuItem("option", TEXT, ["own-policies"])),
    ]
    book = Book(
        records(ItemRecord("base", START), ItemRecord("rules", START), ItemRecord("watch", START)),
        replace(terms(), menus=editions),
    )
    assert book.state(at("2026-12-31")).items == {"base", "rules"}
    assert book.state(at("2027-01-01")).items == {"base", "watch"}, "what the specification no longer has, ends with it"
    assert book.bought(at("2027-01-01")) == {"detection", "own-policies", "standing-orders"}
    assert menu_on(editions, date(2020, 1, 1)).edition == "2026-01-01", "before all of them the first"


MENU = menu(
    "2026-01-01",
    base=MenuItem("base", TEXT, ["a"]),
    large=MenuItem("base", TEXT, ["a", "b"]),
    one=MenuItem("option", TEXT, ["c"]),
    two=MenuItem("option", TEXT, ["c", "d"]),
)


@pytest.mark.article(2)
@given(st.sets(st.sampled_from(["base", "large", "one", "two", "gone"])))
def test_options_give_nothing_without_a_base_item(agreed: set[str]) -> None:
    found = in_force(MENU, agreed)
    assert found == (agreed - {"gone"} if agreed & {"base", "large"} else set())
    assert capabilities(MENU, found) == {each for name in found for each in MENU.items[name].capabilities}


@pytest.mark.article(2)
@pytest.mark.parametrize(
    ("there", "what", "problem"),
    [
        ([ItemRecord("base", START)], ItemRecord("large", date(2026, 6, 1)), "overlaps with the record 3"),
        ([ItemRecord("base", START, date(2026, 5, 31))], ItemRecord("large", date(2026, 6, 1)), ""),
        ([], ItemRecord("one", START), "is an option, and no base item is agreed on 2026-04-01"),
        ([ItemRecord("base", START, date(2026, 5, 31))], ItemRecord("one", date(2026, 6, 1)), "no base item is agreed"),
        ([ItemRecord("large", START)], ItemRecord("one", START), ""),
        ([ItemRecord("base", START)], ItemRecord("three", START), "the menu of 2026-01-01 has no item 'three'"),
    ],
)
def test_what_of_the_menu_can_be_recorded(there: list[What], what: What, problem: str) -> None:
    said = why_not(records(*there), what, "2026-06-01", replace(terms(), menus=[MENU]))
    assert (problem in said) if problem else said == ""


def test_a_file_begins_with_the_base_item_of_its_day() -> None:
    later = menu("2027-01-01", whole=MenuItem("base", TEXT, ["a"]))
    for start, base in ((START, "base"), (date(2027, 1, 1), "whole")):
        found = records_of(Contract(start), [MENU, later], "2026-03-01T00:00:00.000000Z", "p", EVIDENCE)
        assert [one.what.item for one in found if isinstance(one.what, ItemRecord)] == [base]


SHIPPED = (config_folder() / "terms" / "menu-2022-09-01.yaml").read_text(encoding="utf-8")


def folder(tmp_path: Path, **files: str) -> Path:
    (tmp_path / "terms").mkdir()
    for name, text in files.items():
        (tmp_path / "terms" / f"menu-{name}.yaml").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("kind: base", "kind: option", "has no base item"),
        ("[function-code]", "[function-cod]", "'function-cod' is none of the menu's capabilities"),
        ("effective: 2022-09-01", "effective: 2022-02-30", "Invalid RFC3339 encoded date"),
        ("capabilities: [function-code]", "capabilities: []", "should be non-empty"),
        ("kind: base", "kind: bass", "bass"),
    ],
)
def test_a_menu_that_does_not_fit_is_refused_with_its_place(tmp_path: Path, old: str, new: str, problem: str) -> None:
    with pytest.raises(Refused, match=problem) as refused:
        load_menus(folder(tmp_path, a=SHIPPED.replace(old, new)))
    assert refused.value.faults[0].line > 0


def test_two_menus_of_one_day_or_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="holds no menu"):
        load_menus(folder(tmp_path))
    (tmp_path / "twice").mkdir()
    with pytest.raises(Refused, match="begins on the same day"):
        load_menus(folder(tmp_path / "twice", a=SHIPPED, b=SHIPPED))


def test_a_further_option_is_one_file(tmp_path: Path) -> None:
    item = "  night-watch:\n    kind: option\n    text: {en: n, ja: n}\n    capabilities: [standing-orders]\n"
    later = SHIPPED.replace("2022-09-01", "2026-05-01") + item
    menus = load_menus(folder(tmp_path, a=SHIPPED, b=later))
    has = [ItemRecord("base", START), ItemRecord("night-watch", START)]
    book = Book(records(*has), replace(terms(), menus=menus))
    allowed = {day: decide("orders", book, at(day)).allowed for day in ("2026-04-30", "2026-05-01")}
    assert allowed == {"2026-04-30": False, "2026-05-01": True}
