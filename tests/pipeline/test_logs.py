"""No log ever shows the value of a variable: whoever runs a command sees one line, machines get JSON."""

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from model.fault import Refused
from model.job import Job
from pipeline.logs import logger, quiet, set_up, tried
from pipeline.serving.work import _failed

ROOT = Path(__file__).parent.parent.parent


def fails(secret: str) -> None:
    local = f"{secret} in a variable"
    raise ValueError(f"{local} in a message")


@pytest.mark.parametrize("way", [quiet, set_up])
def test_an_exception_is_where_it_was_and_nothing_else(way: object, capsys: pytest.CaptureFixture[str]) -> None:
    way()  # type: ignore[operator]
    try:
        try:
            fails("hinomi_SECRET")
        except ValueError:
            logger().exception("a defect of the program", job="j1", api_token="hinomi_SECRET")
            logger().error("a line\nof a customer's\x1b[31m", exc_info=Refused("hinomi_SECRET"))
    finally:
        quiet()
    out, err = capsys.readouterr()
    assert out == ""
    assert "SECRET" not in err
    assert all(part in err for part in ("ValueError", "test_logs.py", "fails"))
    assert len(err.splitlines()) == 2
    assert "\x1b" not in err


def test_what_is_called_again_and_again_says_what_kept_it_and_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    def away() -> None:
        raise Refused("the database is away")

    quiet()
    assert tried(lambda: None, "nothing is looked at")
    assert capsys.readouterr().err == ""
    assert not tried(away, "nothing is looked at", tenant="aozora")
    assert not tried(lambda: fails("hinomi_SECRET"), "nothing is looked at")
    refused, defect = capsys.readouterr().err.splitlines()
    assert "nothing is looked at (problem the database is away, tenant aozora)" in refused
    assert "a defect of the program" in defect
    assert "SECRET" not in defect


@pytest.mark.process
def test_a_process_that_sets_nothing_up_is_quiet() -> None:
    """Whatever loads a room that logs: the library's own way prints all variables, in colours."""
    program = (
        "from pipeline.serving.work import _LOG\n"
        "def f():\n    secret = 'hinomi_SECRET'\n    raise ValueError(secret)\n"
        "try:\n    f()\nexcept ValueError as problem:\n"
        "    _LOG.info('not said')\n    _LOG.error('broke', exc_info=problem)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"FORCE_COLOR": "1"},
        check=True,
    )
    assert (done.stdout, done.stderr) == ("", "hinomi: broke (in ValueError at <string>:4 f)\n")


def test_nothing_else_loads_the_library_or_prints_a_traceback() -> None:
    found = set()
    for file in ROOT.glob("*/**/*.py"):
        room = file.relative_to(ROOT).parts[0]
        if room.startswith(".") or room in ("tests", "bench"):
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            module = getattr(node, "module", "") or ""
            for name in (*names, module):
                if name.split(".")[0] in ("structlog", "traceback") or name == "rich.traceback":
                    found.add((str(file.relative_to(ROOT)), name.split(".")[0]))
    assert found == {("pipeline/logs.py", "structlog"), ("pipeline/logs.py", "traceback"), ("cli/main.py", "traceback")}


ROOMS = sorted(folder.name for folder in ROOT.iterdir() if (folder / "__init__.py").is_file())
JOB = Job("j1", "scan", "aozora", "2026-06-01T00:00:00.000000Z", "p", "running", "2026-06-01T00:00:00.000000Z")


@pytest.mark.parametrize("room", ROOMS)
def test_what_any_room_raises_is_told_without_its_values(room: str, capsys: pytest.CaptureFixture[str]) -> None:
    source = "def fails(secret):\n    local = [secret]\n    raise RuntimeError(f'{local}')\n"
    made: dict[str, Any] = {}
    exec(compile(source, str(ROOT / room / "raising.py"), "exec"), made)
    try:
        for way in (quiet, set_up):
            way()
            try:
                made["fails"]("hinomi_SECRET")
            except RuntimeError as problem:
                outcome = _failed(JOB, problem).outcome
                assert outcome == "a defect of the program (RuntimeError); the log has more"
    finally:
        quiet()
    out, err = capsys.readouterr()
    assert (out, err.count("raising.py:3 fails")) == ("", 2)
    assert "SECRET" not in err
