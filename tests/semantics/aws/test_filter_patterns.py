"""Filter patterns, read and compared. Examples follow the CloudWatch Logs User Guide, «Filter pattern syntax».

The oracle for what a pattern means is an evaluator of its own: it turns a pattern into a Python expression by
substitution and asks it about every event of a small world.
"""

import itertools
import re
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semantics.aws.filter_patterns import NoPattern, alternatives, catches, parsed


@pytest.mark.parametrize(
    "pattern",
    [
        '{ $.eventType = "UpdateTrail" }',
        '{ $.arrayKey[0] = "value" }',
        '{ $.eventType = "*" }',
        "{ $.sourceIPAddress != 123.123.* }",
        "{ $.latency >= 2 }",
        "{$.bandwidth > 75}",
        "{ $.SomeObject IS NULL }",
        "{ $.SomeOtherObject NOT EXISTS }",
        "{ $.ThisFlag IS TRUE }",
        '{ ($.user.id = 1) && ($.users[0].email = "John.Doe@example.com") }',
        '{ ($.user.email = "John.Stiles@a.com" || $.coordinates[0][1] = "nonmatch") && $.actions[2] = "nomatch" }',
        "{ $.eventType = %Trail% }",
        "{ $.users[*].email = a* }",
    ],
)
def test_patterns_of_the_user_guide_can_be_read(pattern: str) -> None:
    assert catches(pattern, pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        *("", "ERROR", '"Root"', "[ip, user]", "{ }", "{ $.a }", "{ $.a = }", "{ ($.a = 1 }", "{ $.a = 1) }"),
        *("{ a = 1 }", "{ $.a = 1 $.b = 2 }", "{ $.a IS GREAT }", "{ $.a = && }", "{ $.a & $.b }"),
        "{ " + "(" * 200 + "}",
    ],
)
def test_what_is_no_pattern_for_json_catches_nothing(pattern: str) -> None:
    with pytest.raises(NoPattern):
        parsed(pattern)
    assert not catches(pattern, "{ $.a = 1 }")
    with pytest.raises(NoPattern):
        catches("{ $.a = 1 }", pattern)


ROOT = "{ $.userIdentity.type = Root && $.userIdentity.invokedBy NOT EXISTS && $.eventType != AwsServiceEvent }"


@pytest.mark.parametrize(
    ("pattern", "wanted", "expected"),
    [
        # the same, otherwise written
        ('{($.eventName="DeleteTrail")||($.eventName=StopLogging)}', "{ $.eventName = StopLogging }", True),
        (
            '{ ($.eventType != "AwsServiceEvent") && ($.userIdentity.type = "Root") '
            "&& ($.userIdentity.invokedBy NOT EXISTS) }",
            ROOT,
            True,
        ),
        ("{ $.userIdentity.type = Root }", ROOT, True),
        ("{ $.userIdentity.type = R* }", ROOT, True),
        (ROOT, "{ $.userIdentity.type = Root }", False),
        # names that begin alike are no match
        ("{ $.eventName = CreateRouteTable }", "{ $.eventName = CreateRoute }", False),
        ("{ $.eventName = CreateRoute }", "{ $.eventName = CreateRouteTable }", False),
        ("{ $.eventName = CreateRoute* }", "{ $.eventName = CreateRouteTable }", True),
        ("{ $.eventName != CreateRoute }", "{ $.eventName = CreateRoute }", False),
        # a filter that looks right as text, and counts nothing
        ("{ $.eventName = DeleteTrail && $.eventName = StopLogging }", "{ $.eventName = StopLogging }", False),
        ("{ $.eventSource = kms.amazonaws.com && $.eventName = DisableKey }", "{ $.eventName = DisableKey }", False),
        (
            "{ $.eventSource = kms.amazonaws.com && ($.eventName = DisableKey || $.eventName = ScheduleKeyDeletion) }",
            "{ $.eventSource = kms.amazonaws.com && $.eventName = DisableKey }",
            True,
        ),
        ('{ $.errorCode = "*Unauthorized*" }', '{ $.errorCode = "*UnauthorizedOperation" }', True),
        ('{ $.errorCode = "UnauthorizedOperation" }', '{ $.errorCode = "*UnauthorizedOperation" }', False),
        # && comes before ||
        ("{ $.a = 1 || $.b = 1 && $.c = 1 }", "{ $.a = 1 }", True),
        ("{ ($.a = 1 || $.b = 1) && $.c = 1 }", "{ $.a = 1 }", False),
        ("{ $.a != 1 }", "{ $.a = 2 }", True),
        ("{ $.a != 12 }", "{ $.a != 1* }", True),
        ("{ $.a != 1* }", "{ $.a != 12 }", False),
        ("{ $.a EXISTS }", "{ $.a = 2 }", True),
        ("{ $.a = %^x% }", "{ $.a = xy }", False),
    ],
)
def test_filters_are_compared_by_what_they_mean(pattern: str, wanted: str, expected: bool) -> None:
    assert catches(pattern, wanted) is expected


def test_alternatives() -> None:
    pattern = '{ $.s = "x y" && ($.e = A || $.e = B*) || $.t NOT EXISTS }'
    assert alternatives(pattern) == ['{ $.s = "x y" && $.e = A }', '{ $.s = "x y" && $.e = B* }', "{ $.t NOT EXISTS }"]


def test_too_many_alternatives_are_refused_at_once() -> None:
    with pytest.raises(NoPattern):
        alternatives("{ " + " && ".join(["($.a = 1 || $.a = 2)"] * 40) + " }")


tests = st.builds(
    lambda field, operator, value: f"$.{field} {operator} {value}",
    st.sampled_from("ab"),
    st.sampled_from(["=", "!="]),
    st.sampled_from(["x", "xy", "x*", "*y", "*"]),
) | st.sampled_from(["$.a NOT EXISTS", "$.b EXISTS"])
conditions = st.recursive(
    tests,
    lambda inner: st.builds("({}) {} ({})".format, inner, st.sampled_from(["&&", "||"]), inner),
    max_leaves=4,
)  # fmt: skip
WORLD = [
    {field: value for field, value in zip("ab", values, strict=True) if value is not None}
    for values in itertools.product([None, "x", "y", "xy", "z"], repeat=2)
]


def matches(condition: str, event: dict[str, str]) -> bool:
    """Ask Python. A field that is not there is neither equal nor unequal to anything."""

    def test(found: re.Match[str]) -> str:
        field, operator, value = found[1], found[2], found[3]
        if operator == "NOT EXISTS":
            return str(field not in event)
        if operator == "EXISTS":
            return str(field in event)
        equal = field in event and fnmatchcase(event[field], value)
        return str(equal if operator == "=" else field in event and not equal)

    source = re.sub(r"\$\.(\w) (=|!=|NOT EXISTS|EXISTS)(?: ([\w*]+))?", test, condition)
    found: Any = eval(source.replace("&&", "and").replace("||", "or"))
    return bool(found)


@settings(deadline=None)
@given(conditions, conditions)
def test_what_is_caught_is_matched_in_every_event(pattern: str, wanted: str) -> None:
    if catches(f"{{ {pattern} }}", f"{{ {wanted} }}"):
        assert all(matches(pattern, event) for event in WORLD if matches(wanted, event))


@settings(deadline=None)
@given(conditions)
def test_alternatives_together_are_the_pattern(pattern: str) -> None:
    parts = [part.removeprefix("{ ").removesuffix(" }") for part in alternatives(f"{{ {pattern} }}")]
    for event in WORLD:
        assert matches(pattern, event) == any(matches(part, event) for part in parts)
