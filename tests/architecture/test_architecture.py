"""The program keeps its shape: rooms, languages, documents, dependencies."""

import ast
import importlib.metadata
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.project import ROOMS, ROOT, SETTINGS, SHIPPED, SOURCES, tracked

PURE = ("model", "semantics", "contract", "detectors", "intake")


def test_no_other_distribution_claims_one_of_our_names() -> None:
    claimed = importlib.metadata.packages_distributions()
    for room in ROOMS:
        assert set(claimed.get(room, [])) <= {"hinomi"}


@pytest.mark.process
def test_every_room_is_watched_by_every_tool() -> None:
    assert [room for room in ROOMS if room != "demo"] == SHIPPED
    folders = {f.relative_to(ROOT).parts[0] for f in tracked() if f.name == "__init__.py"}
    assert folders == {*ROOMS, "tests", "bench"}
    assert set(SETTINGS["tool"]["mypy"]["packages"]) == folders
    assert SETTINGS["tool"]["coverage"]["run"]["source"] == SHIPPED
    assert not [contract for contract in SETTINGS["tool"]["importlinter"]["contracts"] if "ignore_imports" in contract]


@pytest.mark.parametrize(
    "file", [f for f in SOURCES if f.relative_to(ROOT).parts[0] in PURE], ids=lambda f: str(f.relative_to(ROOT))
)
def test_pure_rooms_touch_no_clock_file_socket_or_process(file: Path) -> None:
    forbidden = {"os", "io", "socket", "subprocess", "time", "pathlib", "random", "secrets", "threading", "sqlite3"}
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name.split(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [(node.module or "").split(".")[0]]
        assert not forbidden & set(names)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            assert node.func.attr not in ("now", "utcnow", "today"), f"{file}:{node.lineno}"


@pytest.mark.parametrize("file", SOURCES, ids=lambda f: str(f.relative_to(ROOT)))
def test_no_name_says_nothing(file: Path) -> None:
    assert not {"utils", "helpers", "common", "manager", "base"} & set(file.relative_to(ROOT).with_suffix("").parts)


@pytest.mark.process
def test_help_imports_no_sdk_and_no_database() -> None:
    code = (
        "import sys, contextlib, io\n"
        "from cli.main import main\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()): main(['--help'])\n"
        "heavy = {'boto3', 'botocore', 'sqlalchemy', 'jsonschema', 'httpx', 'jinja2', 'cel_expr_python'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


@pytest.mark.process
@pytest.mark.parametrize("process", ["api.__main__", "pipeline.serving.supervisor"])
def test_what_runs_all_the_time_imports_no_sdk(process: str) -> None:
    code = f"import sys, {process}; print(sorted({{'boto3', 'botocore'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_requirement_files_are_pinned_hashed_and_name_no_host() -> None:
    for file in (ROOT / "requirements").glob("*.txt"):
        text = file.read_text(encoding="utf-8")
        assert "://" not in text
        assert "--index-url" not in text
        for requirement in re.split(r"\n(?=\S)", text.strip()):
            assert re.match(r"[A-Za-z0-9._-]+==\S+ \\\n +--hash=sha256:", requirement), requirement[:60]


def test_each_dependency_is_used() -> None:
    names = {"argon2-cffi": "argon2", "prometheus-client": "prometheus_client", "pyjwt[crypto]": "jwt"}
    names |= {
        "psycopg[binary]": "psycopg",
        "pyyaml": "yaml",
        "cel-expr-python": "cel_expr_python",
        "detect-secrets": "detect_secrets",
        "tzdata": "zoneinfo",
        "azure-identity": r"azure\.identity",
        "azure-mgmt-resource": r"azure\.mgmt\.resource",
        "azure-mgmt-resourcegraph": r"azure\.mgmt\.resourcegraph",
        "google-cloud-asset": r"google\.cloud\.asset_v1|from google\.cloud import asset_v1",
        "google-re2": "re2",
    }
    shipped = [file for file in SOURCES if file.relative_to(ROOT).parts[0] in SHIPPED]
    used = " ".join(file.read_text(encoding="utf-8") for file in shipped)
    for dependency in SETTINGS["project"]["dependencies"]:
        module = names.get(dependency.lower(), dependency.lower())
        assert re.search(rf"^\s*(import|from) (?:{module})\b", used, re.MULTILINE), dependency


def command_names(app: Any) -> list[str]:
    """Return the names of commands and groups, one level deep."""
    rooms = [group.typer_instance for group in app.registered_groups]
    commands = [c.name or c.callback.__name__ for room in rooms for c in room.registered_commands]
    return commands + [group.name for room in rooms for group in room.registered_groups]


def test_documents_exist_for_every_command_function_and_room() -> None:
    from catalog.functions import DECLARATIONS
    from cli.main import app

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    policies = (ROOT / "docs" / "policies.md").read_text(encoding="utf-8")
    design = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    for name in command_names(app):
        assert f"hinomi {name}" in readme, name
    for name, *_ in DECLARATIONS:
        assert f"`{name}(" in policies, name
    for room in ROOMS:
        assert f"{room}/" in design, room


@pytest.mark.process
def test_links_between_documents_lead_somewhere() -> None:
    for file in tracked():
        if file.suffix == ".md":
            for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", file.read_text(encoding="utf-8")):
                assert (file.parent / target).exists(), f"{file.name}: {target}"


@pytest.mark.process
def test_the_project_speaks_of_itself_alone() -> None:
    """No path of a machine, no registry, nothing that only one workplace knows."""
    strange = re.compile(
        r"/wor[k]/|/roo[t]/|(?<!needs the folder )\.\./share[d]|pyp[i]\.org|python[h]osted|\bsession of (work|the dev)",
        re.IGNORECASE,
    )
    for file in tracked():
        if file.suffix in (".py", ".md", ".yaml", ".toml", ".txt", ".css", ".html", "") and file != Path(__file__):
            found = strange.search(file.read_text(encoding="utf-8", errors="replace"))
            assert not found, f"{file.relative_to(ROOT)}: {found and found[0]}"


# Twins: one for each provider, channel or client, with the same part there.
TWINS = {
    "TypeForm", "ResourceType", "Detail", "ReadCloud", "Parsed", "Login", "BrokenReply", "Settings", "RestrictIngress",
    "Test",  # of the two query languages
    "Company", "Coverage", "Wanted",  # what is sent or shown, and what it is made of
    "Lost", "Way",  # rooms that never meet
}  # fmt: skip


def test_a_class_name_means_one_thing() -> None:
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in SOURCES]
    names = Counter(
        node.name for tree in trees for node in tree.body if isinstance(node, ast.ClassDef) and node.name[0] != "_"
    )
    assert {name for name, number in names.items() if number > 1} == TWINS


@pytest.mark.process
def test_no_test_file_imports_another() -> None:
    imports = re.compile(r"^\s*(?:from|import) [\w.]*\btest_\w+", re.MULTILINE)
    ours = [file for file in tracked() if file.relative_to(ROOT).parts[0] in ("tests", "bench")]
    tests = [file for file in ours if file.suffix == ".py"]
    assert [file for file in tests if imports.search(file.read_text(encoding="utf-8"))] == []
    assert len(tests) > 100


@pytest.mark.process
def test_files_that_documents_name_are_there() -> None:
    named = re.compile(r"(?<![\w/.-])((?:tests|bench|[a-z]+)/[a-z0-9_/]+\.(?:py|yaml))\b")
    ours = {"bench", "tests", "config", *ROOMS}
    for file in tracked():
        if file.suffix == ".md":
            for name in named.findall(file.read_text(encoding="utf-8")):
                assert name.split("/")[0] not in ours or (ROOT / name).exists(), f"{file.name}: {name}"
