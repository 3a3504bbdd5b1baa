"""The pictures of the design show what the code is."""

import pytest

from tests.architecture import pictures
from tests.architecture.project import ROOT


def test_the_pictures_are_those_of_the_code() -> None:
    text = pictures.DESIGN.read_text(encoding="utf-8")
    assert pictures.drawn(text) == text, "`python -m tests.architecture.pictures` draws them anew"


@pytest.mark.parametrize("name", ["rooms", "asset", "record", "plan"])
def test_each_picture_is_shown(name: str) -> None:
    assert f"<!-- picture: {name} -->\n```mermaid\n" in pictures.DESIGN.read_text(encoding="utf-8")


@pytest.mark.parametrize("call", [*pictures.ASSET, *pictures.PLAN, *pictures.TAKING], ids=" → ".join)
def test_each_function_on_a_way_names_the_next(call: pictures.Call) -> None:
    caller, callee = call
    assert pictures.function(callee).name in pictures.names(caller)


@pytest.mark.parametrize("planned", pictures.TO_COME, ids=lambda planned: str(planned[0]))
def test_what_is_there_is_not_drawn_as_planned(planned: tuple[str, str, str]) -> None:
    assert not list(ROOT.glob(f"{planned[0]}*"))


def test_an_import_that_a_longer_way_implies_is_not_drawn() -> None:
    assert pictures.reduced({("a", "b"), ("b", "c"), ("a", "c"), ("a", "d")}) == {("a", "b"), ("b", "c"), ("a", "d")}
