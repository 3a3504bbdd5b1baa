"""What others have written is opened by one function, and parsed by readers with limits."""

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.project import ROOT, SOURCES

OURS = "is the program's own, or written by it"
INSTALLATION = "is the installation's own, by whoever runs it"
# Functions that open a file, but for writing a new one; each with why it needs not be `catalog.yaml_reader.content`.
OPENS = {
    "catalog/yaml_reader.py content": "is the one function",
    "cli/context.py kept_token": OURS,
    "cli/tenants.py init": OURS,
    "clouds/aws/service_models.py _unpacked": OURS,
    "collectors/aws/package.py package_signs": "is a ZIP in memory, or by ranges, with bounds of its own",
    "collectors/aws/package.py _text": "reads an entry of a package that was fetched, as long as it says at most",
    "pipeline/audit_keys.py _key": INSTALLATION,
    "pipeline/backup.py fingerprint": "reads piece by piece",
    "pipeline/backup.py __init__": "an archive has limits of its own (`_refuse_bombs`)",
    "pipeline/backup.py _hash_of": "reads an entry piece by piece",
    "pipeline/backup.py rows": "reads row by row, of a limited length",
    "pipeline/installation.py make": OURS,
    "pipeline/installation.py own_files": INSTALLATION,
    "pipeline/installation.py put_back": INSTALLATION,
    "pipeline/installation.py service_key": INSTALLATION,
    "pipeline/intake/files.py opened": "reads in chunks, and what is read has limits (intake/limits.py)",
    "pipeline/log_keys.py log_key": INSTALLATION,
    "pipeline/intake/fetching.py _fetch_one": OURS,
    "pipeline/intake/fetching.py _opened": "opens an object of a bucket; what is read has limits",
    "pipeline/intake/service.py _incoming": OURS,
    "pipeline/log_segments.py read": OURS,
    "pipeline/onboarding/aws.py documents": OURS,
    "pipeline/secrets.py entered": "follows no link and waits for nothing",
    "pipeline/secrets.py secret": INSTALLATION,
    "pipeline/sealing.py __init__": OURS,
    "pipeline/whole_files.py _sync": OURS,
    "reports/pages.py style": OURS,
    "workers/checkov_child.py _unparsed": "runs in a process with limits, and has looked at what it is",
    "workers/child.py _cpu_seconds": "is the kernel's",
}
# Modules that parse YAML, each with its limits.
PARSES_YAML = {
    "catalog/yaml_reader.py": "size, depth, no aliases",
    "collectors/build_specification.py": "goes by events, to a depth",
    "clouds/kubernetes/login.py": "a kubeconfig that somebody named went through `yaml_reader.parse` before",
    "workers/checkov_child.py": "goes by events, to a depth, in a process with limits",
}
_METHODS = {"read_bytes", "read_text"}
_PARSERS = {"parse", "load", "load_all", "safe_load", "safe_load_all", "compose", "scan", "full_load", "unsafe_load"}


def opening(tree: ast.AST) -> Iterator[str]:
    """Yield the names of functions that open what is there already."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inner = [each for each in ast.walk(node) if isinstance(each, ast.FunctionDef) and each is not node]
            within = {id(each) for function in inner for each in ast.walk(function)}
            calls = [each for each in ast.walk(node) if isinstance(each, ast.Call) and id(each) not in within]
            if any(map(_opens, calls)):
                yield node.name


def _opens(call: ast.Call) -> bool:
    match call.func:
        case ast.Attribute(attr=name) if name in _METHODS:
            return True
        case ast.Attribute(value=ast.Name(id="zipfile"), attr="ZipFile"):
            return not _writes(call)
        case ast.Attribute(value=ast.Attribute(attr="jobs"), attr="open"):
            return False  # jobs that wait
        case ast.Attribute(attr="open") | ast.Name(id="open"):
            return not _writes(call)
        case _:
            return False


def _writes(call: ast.Call) -> bool:
    """Return whether a file is made anew: by a mode, or by flags."""
    given = [each.value for each in ast.walk(call) if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    flags = {each.attr for each in ast.walk(call) if isinstance(each, ast.Attribute)}
    return bool({"w", "wb", "x", "xb"} & set(given)) or "O_CREAT" in flags


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("def f(x):\n  return x.read_text()", ["f"]),
        ("def f(x):\n  with open(x) as y: pass", ["f"]),
        ("def f(x):\n  with x.open('rb') as y: pass", ["f"]),
        ("def f(x):\n  os.open(x, os.O_RDONLY)", ["f"]),
        ("def f(x):\n  os.open(x, os.O_WRONLY | os.O_CREAT)", []),
        ("def f(x):\n  x.open('wb')", []),
        ("class A:\n  def f(self, x):\n    return zipfile.ZipFile(x)", ["f"]),
        ("def f(x):\n  def g():\n    open(x)\n  return g", ["g"]),
    ],
)
def test_what_opens_is_found(code: str, found: list[str]) -> None:
    assert list(opening(ast.parse(code))) == found


def test_others_files_are_opened_by_one_function() -> None:
    trees = {str(file.relative_to(ROOT)): ast.parse(file.read_text(encoding="utf-8")) for file in SOURCES}
    found = {f"{file} {name}" for file, tree in trees.items() for name in opening(tree)}
    shipped = {one for one in found if not one.startswith(("demo/", "store/migrations/"))}
    assert shipped == OPENS.keys()


def test_yaml_is_parsed_within_limits() -> None:
    found = set()
    for file in SOURCES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Attribute(value=ast.Name(id="yaml"), attr=name) if name in _PARSERS:
                    found.add(str(file.relative_to(ROOT)))
    assert {one for one in found if not one.startswith("demo/")} == PARSES_YAML.keys()
