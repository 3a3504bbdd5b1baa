"""The rooms say what they are for, and keep to it."""

import ast
from pathlib import Path

import pytest

from pipeline.providers.registry import PROVIDERS
from tests.architecture.project import ROOMS, ROOT

PACKAGES = sorted(file.parent for room in ROOMS for file in (ROOT / room).rglob("__init__.py"))


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: str(package.relative_to(ROOT)))
def test_each_room_says_in_its_first_sentence_what_it_is_for(package: Path) -> None:
    said = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8"))) or ""
    assert len(said.split()) >= 3
    assert said.splitlines()[0].endswith(".")


def test_the_root_of_the_pipeline_holds_what_all_of_it_shares() -> None:
    modules = {file.stem for file in (ROOT / "pipeline").glob("*.py")} - {"__init__"}
    shared = {"backup", "clock", "installation", "logs", "process", "secrets"}
    shared |= {
        "assembly",
        "audit_keys",
        "bounds",
        "checkov_process",
        "log_keys",
        "log_segments",
        "log_spool",
        "sealing",
        "whole_files",
        "world",
    }
    assert modules == shared
    folders = {file.parent.name for file in (ROOT / "pipeline").glob("*/__init__.py")}
    assert folders == {
        "access",
        "changing",
        "intake",
        "notifying",
        "onboarding",
        "policies",
        "providers",
        "scanning",
        "serving",
        "suspending",
        "tenants",
    }


@pytest.mark.parametrize("cloud", [provider.name for provider in PROVIDERS])
def test_each_cloud_is_entered_read_and_written_in_files_of_the_same_names(cloud: str) -> None:
    assert {"login.py", "read.py", "write.py"} <= {file.name for file in (ROOT / "clouds" / cloud).iterdir()}


def test_a_module_stands_in_a_folder_or_is_common_to_all_clouds() -> None:
    modules = {file.stem for file in (ROOT / "clouds").glob("*.py")} - {"__init__"}
    assert modules == {"call_failed", "rate", "requests_faults", "rest_write"}


CLOUDS = {provider.name for provider in PROVIDERS}
# What is of one cloud only, and the frameworks of templates, one of which has a cloud's name.
OF_ONE_CLOUD = {"cli/onboard.py", "pipeline/onboarding/aws.py", "pipeline/scanning/templates.py"}


@pytest.mark.parametrize(
    "file",
    [
        file
        for room in ("api", "cli", "pipeline", "reports")
        for file in sorted((ROOT / room).rglob("*.py"))
        if not (CLOUDS & set(file.parts) or file.stem == "registry")
    ],
    ids=lambda file: str(file.relative_to(ROOT)),
)
def test_what_serves_all_clouds_names_none(file: Path) -> None:
    named: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        match node:
            case ast.Constant(value=str(text)):
                named |= {text} & CLOUDS
            case ast.ImportFrom(module=str(module)):
                named |= {*module.split("."), *(alias.name for alias in node.names)} & CLOUDS
    assert not named or str(file.relative_to(ROOT)) in OF_ONE_CLOUD


def test_a_cloud_has_one_name() -> None:
    """It is gcp in the names of modules; google is the tenant's word in files, and the SDK's."""
    assert not [file for room in ROOMS for file in (ROOT / room).rglob("*google*.py")]
