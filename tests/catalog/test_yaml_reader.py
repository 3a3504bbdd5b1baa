"""The core schema of YAML 1.2 (clause 10.3), with places; expected values come from the specification's tables."""

import json
import os
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from catalog import json_reader
from catalog.json_reader import parse_json
from catalog.yaml_reader import MAX_BYTES, content, parse
from model.fault import Refused
from tests.hostile_files import JSON, YAML

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(
    ("text", "value"),
    [
        # YAML 1.2.2, example 10.9 and the table of 10.3.2; 1.1's booleans, sexagesimals and dates are plain texts
        *[(text, None) for text in ("null", "NULL", "Null", "~", "")],
        *[(text, True) for text in ("true", "True", "TRUE")],
        *[(text, False) for text in ("false", "False", "FALSE")],
        *[(text, text) for text in ("on", "off", "yes", "no", "y", "n", "1:30", "2026-04-01", "0b1", "<<", "=")],
        ("0", 0),
        ("0o7", 7),
        ("0x3A", 58),
        ("-19", -19),
        ("0777", 777),
        ("0.", 0.0),
        ("-0.0", -0.0),
        (".5", 0.5),
        ("+12e03", 12000.0),
        ("-2E+05", -200000.0),
        (".inf", float("inf")),
        ("-.INF", float("-inf")),
        ("'1'", "1"),
        ('"true"', "true"),
        ("{a: [1, {b: x}]}", {"a": [1, {"b": "x"}]}),
    ],
)
def test_values(text: str, value: object) -> None:
    assert parse(text.encode(), "f").value == value


@pytest.mark.parametrize(
    ("text", "line", "column", "problem"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, 1, "stands twice"),
        ("a: &x [1]\nb: *x\n", 2, 4, "aliases"),
        ("a: !!python/object:os.system x\n", 1, 4, "tag"),
        ("a: [1\nb: 2\n", 2, 2, "not valid YAML"),
        ("? [a]\n: 1\n", 1, 3, "plain text"),
        ("a: 1\n---\nb: 2\n", 2, 1, "second document"),
        ("a: " + "1" * 5000, 1, 4, "too long"),
        ("[" * 200, 1, 101, "nested deeper"),
        ("[" * 400_000, 1, 101, "nested deeper"),
        ("? " * 99 + "? [a]\n", 1, 3, "plain text"),
        ("a: 1\n" * 200, 2, 1, "stands twice"),
        ("%TAG !a! b\n" * 20 + "--- a\n", 0, 0, "directives"),
    ],
)
def test_faults_say_where(text: str, line: int, column: int, problem: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(text.encode(), "f.yaml")
    fault = refused.value.faults[0]
    assert (fault.file, fault.line, fault.column) == ("f.yaml", line, column)
    assert problem in fault.problem


def test_bytes_that_are_not_utf8_are_named_by_their_place() -> None:
    with pytest.raises(Refused, match=r"f:2:4: is not UTF-8"):
        parse(b"a: 1\nb: \xff\n", "f")


def test_a_file_over_1_mb_is_refused() -> None:
    with pytest.raises(Refused, match="larger than"):
        parse(b"#" * (MAX_BYTES + 1), "f")


@given(
    st.recursive(
        st.booleans()
        | st.integers()
        # PyYAML writes YAML 1.1, to which 08 is a text.
        | st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Cs", "Co", "Cn"))).filter(
            lambda text: not re.match(r"[-+]?0[0-9]", text)
        ),
        lambda inner: st.lists(inner) | st.dictionaries(st.text("abc", min_size=1), inner),
        max_leaves=15,
    )
)
def test_what_pyyaml_writes_is_read_back(value: object) -> None:
    written = yaml.safe_dump(value, default_style='"' if isinstance(value, str) else None, allow_unicode=True)
    assert parse(written.encode(), "f").value == value


@pytest.mark.parametrize("text", YAML.values(), ids=YAML.keys())
def test_hostile_documents_are_refused_with_few_faults(text: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(text.encode(), "f.yaml")
    assert len(refused.value.faults) <= 101
    assert all(len(fault.problem) < 200 for fault in refused.value.faults)


def test_a_key_lies_as_deep_as_any_other_value() -> None:
    with pytest.raises(Refused) as refused:
        parse(b"? [[" * 40, "f.yaml")
    assert [str(fault) for fault in refused.value.faults] == ["f.yaml:1:135: is nested deeper than 100 levels"]


@given(st.text(alphabet="[]{}?:,-&*!|>'\"%# \nab", max_size=60), st.integers(1, 60))
def test_a_document_is_read_or_refused(text: str, times: int) -> None:
    """Whatever the structure is, repeated into the depth; nothing else is raised."""
    with suppress(Refused):
        parse((text * times).encode(), "f.yaml")


@pytest.mark.process
def test_hostile_documents_take_a_few_seconds_of_cpu_in_all() -> None:
    """The kernel ends a process that takes more; libyaml alone takes a minute for one of them."""
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_CPU, (5, 5))\n"
        "from typing import Any\nfrom catalog.json_reader import parse_json\nfrom catalog.yaml_reader import parse\n"
        "from model.fault import Refused\nfrom tests.hostile_files import JSON, YAML\n"
        "from workers.checkov_child import _depth, _yaml_problem\n"
        "for text in YAML.values():\n"
        "    _yaml_problem(text.encode()), _depth(text.encode())\n"
        "    try: parse(text.encode(), 'f')\n    except Refused: pass\n"
        "for raw in JSON.values():\n"
        "    try: parse_json(raw, 'f', Any)\n    except Refused: pass\n"
        "print('done')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("done", "")


@pytest.mark.parametrize(
    ("raw", "place", "problem"),
    [
        *[(raw, None, "") for raw in JSON.values()],
        (b'{"a":' * 101 + b"1" + b"}" * 101, (0, 0), "is nested deeper than 100 levels"),
        (b'{"a":\n x}', (2, 2), "is not the JSON"),
        (b"[1]", (0, 0), "Expected `object`"),
        (b"\xff", None, ""),
    ],
)
def test_json_that_is_refused(raw: bytes, place: tuple[int, int] | None, problem: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_json(raw, "f.json", dict[str, Any])
    (fault,) = refused.value.faults
    assert problem in fault.problem
    assert place in (None, (fault.line, fault.column))


@given(
    st.recursive(st.text('[]{}"\\') | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
)
def test_json_is_as_deep_as_python_says(value: Any) -> None:
    def depth(one: Any) -> int:
        inner = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        return int(isinstance(one, dict | list)) + max(map(depth, inner), default=0)

    assert json_reader._depth(json.dumps(value).encode()) == depth(value)
    assert parse_json(json.dumps(value).encode(), "f", object) == value


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "good.yaml").write_text("a: 1\n")
    (tmp_path / "link.yaml").symlink_to(tmp_path / "good.yaml")
    (tmp_path / "to-fifo").symlink_to(tmp_path / "fifo")
    for name in ("fifo", "to-fifo", "", "/dev/zero", "/proc/self/task"):
        with pytest.raises(Refused, match="is no file, but"):
            content(tmp_path / name)
    assert content(tmp_path / "link.yaml") == b"a: 1\n"
    with pytest.raises(Refused, match="is larger than 3 bytes"):
        content(tmp_path / "good.yaml", most=3)
