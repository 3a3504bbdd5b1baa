"""What is shipped: everything but the demonstration, whose command says where it is."""

import ast
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from tests.architecture.project import ROOT, tracked

pytestmark = pytest.mark.process

NOT_SHIPPED = {"demo", "tests", "bench"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's files, unpacked as an installation has them."""
    folder = tmp_path_factory.mktemp("wheel")
    [built] = WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    with zipfile.ZipFile(built) as files:
        files.extractall(folder / "installed")
    return folder / "installed"


def test_the_wheel_has_each_file_of_the_rooms_and_nothing_of_the_demonstration(wheel: Path) -> None:
    ours = [str(file.relative_to(ROOT)) for file in tracked()]
    rooms = {name.partition("/")[0] for name in ours if name.count("/") == 1 and name.endswith("/__init__.py")}
    expected = {name for name in ours if name.partition("/")[0] in rooms - NOT_SHIPPED}
    expected |= {f"catalog/_{name}" for name in ours if name.startswith("config/")}
    shipped = {str(file.relative_to(wheel)) for file in wheel.rglob("*") if file.is_file()}
    assert {name for name in shipped if ".dist-info/" not in name} == expected
    of_the_demonstration = {name for name in shipped if any(word in name for word in ("stand_in", "emulator", "demo"))}
    assert of_the_demonstration == {"cli/demo.py"}


def test_only_the_command_imports_the_demonstration(wheel: Path) -> None:
    importing = set()
    for file in wheel.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if {name.partition(".")[0] for name in names} & NOT_SHIPPED:
                importing.add(str(file.relative_to(wheel)))
    assert importing == {"cli/demo.py"}


def installed(wheel: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        cwd=wheel,
        env=os.environ | {"PYTHONPATH": str(wheel), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_outside_a_checkout_the_command_says_how_to_get_it(wheel: Path) -> None:
    said = installed(wheel, "demo")
    assert said.returncode == 2
    assert said.stderr == "hinomi: the demonstration is part of a checkout: run `make demo` there\n"


def test_a_missing_library_is_not_taken_for_a_missing_demonstration(wheel: Path) -> None:
    """A room that is there and cannot be imported is a defect that is named, not an absence."""
    room = wheel / "demo"
    room.mkdir()
    try:
        (room / "__init__.py").write_text("")
        (room / "steps.py").write_text("import a_library_that_is_not_installed\n")
        said = installed(wheel, "demo")
    finally:
        (room / "steps.py").unlink()
        (room / "__init__.py").unlink()
        room.rmdir()
    assert said.returncode == 70
    assert "ModuleNotFoundError" in said.stderr
    assert "checkout" not in said.stderr


def test_what_is_shipped_finds_its_data(wheel: Path) -> None:
    said = installed(wheel, "catalog", "list")
    assert said.returncode == 0, said.stderr
    assert "aws.s3.bucket" in said.stdout
