"""The core schema of YAML 1.2 (clause 10.3), with places; expected values come from the specification's tables."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from catalog.yaml_reader import MAX_BYTES, parse
from model.fault import Refused


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
        | st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Cs", "Co", "Cn"))),
        lambda inner: st.lists(inner) | st.dictionaries(st.text("abc", min_size=1), inner),
        max_leaves=15,
    )
)
def test_what_pyyaml_writes_is_read_back(value: object) -> None:
    written = yaml.safe_dump(value, default_style='"' if isinstance(value, str) else None, allow_unicode=True)
    assert parse(written.encode(), "f").value == value
