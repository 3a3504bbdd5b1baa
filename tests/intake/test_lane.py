"""Whatever is read as a critical event is found by its bytes before; and what is found too many has a reason."""

import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache
from io import BytesIO
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intake.envelopes import ENVELOPES, opened
from intake.events import Event, read
from intake.lane import CriticalSigns
from intake.projection import Projection, folded
from model.log_source import ENVELOPE_KEYS, EnvelopeName, LogSource
from tests.intake.sources import shipped, taken
from tests.intake.spellings import Habits, spelled

Json = dict[str, Any]


@cache
def signs(source: str) -> CriticalSigns:
    return CriticalSigns(shipped()[source])


def is_critical(source: str, data: bytes) -> bool:
    return any(isinstance(one, Event) and one.critical for one in taken(source, data))


# Events of a type, put where the source has it: by the references that config/sources/ names.


def kubernetes(type_: str, random: Random) -> Json:
    verb, resource, sub = re.fullmatch(r"(.+?)(?: (.+?))?(?:/(.*))?", type_, re.DOTALL).groups()  # type: ignore[union-attr]
    if random.random() < 0.2 or not (resource or sub):
        return {"verb": type_, "objectRef": random.choice([None, {}, {"resource": "", "subresource": None}])}
    of = {"resource": resource, "subresource": sub}
    return {"verb": verb, "objectRef": {key: one for key, one in of.items() if one or random.random() < 0.5}}


def sign_in(type_: str, random: Random) -> Json:
    operation, _, result = type_.rpartition(" ")
    if random.random() < 0.2 or not operation:
        return {"operationName": type_, "resultType": random.choice([None, ""])}
    return {"operationName": operation, "resultType": result}


def activity(type_: str, random: Random) -> Json:
    return random.choice(
        [
            {"operationName": type_},
            {"operationName": {"value": type_, "localizedValue": "Write"}},
            {"operationName": {"value": None}, "operation_name": {"value": type_}},
            {"operationName": "", "operation_name": {"value": type_, "localized_value": "Write"}},
        ]
    )


def audit(type_: str, random: Random) -> Json:
    shown = {"properties": {"activityDisplayName": type_, "id": "a"}}
    return random.choice([{"operationName": type_}, {"operationName": None, **shown}, {"operationName": "", **shown}])


PLACED: dict[str, Callable[[str, Random], Json]] = {
    "aws.cloudtrail": lambda type_, random: {"eventName": type_},
    "azure.activity": activity,
    "azure.audit": audit,
    "azure.signin": sign_in,
    "gcp.audit": lambda type_, random: {"protoPayload": {"methodName": type_}},
    "kubernetes.audit": kubernetes,
}
WRAPPED: dict[EnvelopeName, Callable[[bytes], Any]] = {
    "aks-log": lambda text: {"category": "kube-audit", "properties": {"pod": "a", "log": text.decode()}},
    "azure-records": lambda text: {"records": [b"{}", text, b'{"a":"}"}']},
    "cloudtrail-records": lambda text: {"Records": [b"{}", text]},
    "cloudwatch-subscription": lambda text: {
        "messageType": "DATA_MESSAGE",
        "logEvents": [{"id": "1", "message": text.decode()}, {"id": "2", "message": "{}"}],
    },
    "lookup-event": lambda text: {"EventId": "a", "CloudTrailEvent": text.decode()},
    "lookup-events": lambda text: {
        "Events": [{"EventId": "a", "CloudTrailEvent": text.decode()}, {"CloudTrailEvent": "{}"}]
    },
}
# In the fifth level events are refused.
LEVELS = dict.fromkeys(ENVELOPES, 1) | {"lookup-events": 2}
# What stands beside, with what JSON escapes in texts and what is not ASCII.
BESIDE = ["", 'of "C:\\Users\\u"', "a\n\tb\r\n}\n{", "<&>=+'", "証跡\u2028😀", "/a/b//", "}", '"},{"']


class Case(msgspec.Struct, frozen=True):
    """A stream of a source, its chunks, and whether it holds a critical event."""

    chunks: list[bytes]
    critical: bool

    @property
    def data(self) -> bytes:
        return b"".join(self.chunks)


def case(source: str, random: Random) -> Case:
    """Return lines of events of any types in any envelopes and spellings, in chunks of any length."""
    critical, lines = False, []
    for _ in range(random.choice([1, 1, 3])):
        type_, is_critical = any_type(shipped()[source], random)
        critical |= is_critical
        lines.append(wrapped(source, event(source, type_, random), random))
    data = random.choice([b"\n", b"", b"\r\n", b"\n\n"]).join(lines)
    cuts = sorted(random.randrange(len(data) + 1) for _ in range(random.choice([0, 1, 3, 20])))
    return Case([data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)], critical)


def any_type(source: LogSource, random: Random) -> tuple[str, bool]:
    """Return a type in any case, and whether it is critical; of those that are not, some nearly are."""
    named = random.choice(source.critical).type
    type_ = named.replace("*", random.choice(["", "x", " – ", '"', "/"]))
    if is_not := random.random() < 0.3:
        whole = named.removesuffix("*")
        type_ = random.choice(["-" + whole, whole[:-1] + "?", "get", "\u212a" + whole[1:]])
    if random.random() < 0.5:
        type_ = "".join(random.choice([char.lower(), char.upper()]) if char.isascii() else char for char in type_)
    return type_, not is_not


def event(source: str, type_: str, random: Random) -> Json:
    """Return an event of a type with more beside it, in any order of keys."""
    fields = list(PLACED[source](type_, random).items())
    fields += [(f"more{number}", random.choice(BESIDE)) for number in range(random.randrange(3))]
    fields += [("level", {"a": [{"b": random.choice(BESIDE)}, {"c": 1}]})] * (random.random() < 0.5)
    random.shuffle(fields)
    return dict(fields)


def wrapped(source: str, event: Json, random: Random) -> bytes:
    """Return an event in envelopes of its source, four levels of them at most, each spelled in its own way."""
    text = spelled(event, habits(random), random).encode()
    level = 0
    known = shipped()[source].envelopes
    for name in random.choices(known, k=random.randrange(5)) if known else ():
        level += LEVELS[name]
        if level > 4:
            break
        text = spelled(WRAPPED[name](text), habits(random), random).encode()
    return text


def habits(random: Random) -> Habits:
    """Return how a writer spells; most escape no letters, as most in truth."""
    if random.random() < 0.2:
        return Habits(random.choice([0.01, 0.1, 1.0]), blank=random.choice(["", " ", "\t"]))
    quotes, slashes, others = random.choices([0.0, 0.5, 1.0], k=3)
    return Habits(0.0, quotes, slashes, others, random.choice(["", "", " ", "\n", "\n  "]))


@pytest.mark.parametrize("source", PLACED)
@settings(max_examples=150)
@given(seeds=st.integers(0, 2**32))
def test_what_is_read_as_critical_is_found(source: str, seeds: int) -> None:
    made = case(source, Random(seeds))
    assert is_critical(source, made.data) == made.critical  # so that it is known that there is something to be found
    assert signs(source).may_hold(made.chunks) or not made.critical


def test_all_sources_and_envelopes_are_among_the_cases() -> None:
    assert PLACED.keys() == shipped().keys()
    assert WRAPPED.keys() == ENVELOPES.keys()


FAR = b"x" * 200
K8S, TRAIL, ACTIVITY = "kubernetes.audit", "aws.cloudtrail", "azure.activity"
CRITICAL: list[tuple[str, bytes]] = [
    (TRAIL, rb'{"eventName":"StopLogging"}'),
    (TRAIL, rb'{"eventName":"sTOPlOGGING"}'),
    (TRAIL, rb'{"eventName":"\u0053topLogging"}'),
    (TRAIL, rb'{"eventName":"Stop\u004cogging"}'),
    (TRAIL, rb'{"eventName":"Stop\u004Cogging"}'),
    (TRAIL, rb'{"\u0065ventName" : "StopLogging"}'),
    (TRAIL, rb'{"CloudTrailEvent":"{\"eventName\":\"StopLogging\"}"}'),
    (TRAIL, rb'{"CloudTrailEvent":"{\u0022eventName\u0022:\u0022StopLogging\u0022}"}'),
    (TRAIL, rb'{"CloudTrailEvent":"{\"eventName\":\"\\u0053topLogging\"}"}'),
    (TRAIL, rb'{"CloudTrailEvent":"{\"eventName\":\"\u0053topLogging\"}"}'),
    (TRAIL, rb'{"CloudTrailEvent":"{\"eventName\":\"\u005cu0053topLogging\"}"}'),
    (TRAIL, rb'{"CloudTrailEvent":"{\"eventName\":\"\\\u0075004ctopLogging\",\"eventName\":\"DeleteTrail\"}"}'),
    (TRAIL, rb'{"CloudTrailEvent":"{\"eventName\":\"\\u00\u00353topLogging\"}"}'),
    (TRAIL, rb'{"CloudTrailEvent":"{\"eventName\":\"\\u005\u0033topLogging\"}"}'),
    (ACTIVITY, rb'{"operationName":"Microsoft.KeyVault/vaults/delete"}'),
    (ACTIVITY, rb'{"operationName":"Microsoft.KeyVault\/vaults\/delete"}'),
    (ACTIVITY, rb'{"operationName":"Microsoft.KeyVault\u002fvaults/delete"}'),
    (ACTIVITY, rb'{"operationName":"Microsoft.Compute\/virtualMachines\/runCommand\/action"}'),  # the longest of them
    (ACTIVITY, rb'{"operationName":"Microsoft\u002eKeyVault/vaults/delete"}'),
    (ACTIVITY, rb'{"operationName":{"value":"MICROSOFT.KEYVAULT\/VAULTS/DELETE"}}'),
    (ACTIVITY, rb'{"operationName":null,"operation_name":{"value":"Microsoft.KeyVault/vaults/delete"}}'),
    ("azure.audit", rb'{"operationName":"Add member to\u0020role"}'),
    ("azure.audit", rb'{"properties":{"activityDisplayName":"Add member to role"}}'),
    ("azure.audit", '{"operationName":"Update application – Certificates and secrets management "}'.encode()),
    ("azure.audit", rb'{"operationName":"update application"}'),
    ("azure.signin", rb'{"operationName":"Sign-in activity","resultType":"50053"}'),
    ("azure.signin", rb'{"resultType":"50053","more":[{"a":1},{"b":2}],"operationName":"Sign-in activity"}'),
    ("azure.signin", rb'{"resultType":"activity 50053","operationName":"Sign-in"}'),
    ("azure.signin", rb'{"operationName":"Sign-in activity 50053"}'),
    ("azure.signin", rb'{"operationName":"Sign\u002din activity","resultType":"50053"}'),
    ("azure.signin", b'{"operationName":"Sign-in activity",\n"b":{\n"c":1\n}\n,"resultType":"50053"}'),
    ("gcp.audit", rb'{"protoPayload":{"methodName":"v1.compute.firewalls."}}'),
    ("gcp.audit", rb'{"protoPayload":{"methodName":"v1.compute.firewalls.insert"}}'),
    (K8S, rb'{"verb":"create","objectRef":{"resource":"pods","subresource":"exec"}}'),
    (K8S, rb'{"objectRef":{"subresource":"exec","resource":"pods"},"verb":"create"}'),
    (K8S, rb'{"objectRef":{"subresource":"","resource":"secrets"},"verb":"list"}'),
    (K8S, rb'{"objectRef":{"subresource":"exec"},"verb":"create pods"}'),
    (K8S, rb'{"objectRef":{"resource":"pods/exec"},"verb":"create"}'),
    (K8S, rb'{"objectRef":{"resource":"pods\/exec"},"verb":"create"}'),
    (K8S, rb'{"objectRef":null,"verb":"create pods\u002Fexec"}'),
    (K8S, rb'{"verb":"get","verb":"list","objectRef":{"resource":"secrets"}}'),
    (K8S, rb'{"properties":{"log":"{\"verb\":\"list\",\"objectRef\":{\"resource\":\"secrets\"}}"}}'),
    (K8S, rb'{"properties":{"log":"{\u0022verb\u0022:\u0022list\u0022,\"objectRef\":{\"resource\":\"secrets\"}}"}}'),
    # Parts so far apart that no two chunks hold both, in a line between others, and in a text.
    (K8S, b'{}\n{"verb":"list","a":"%s","objectRef":{"resource":"secrets"}}\n{}' % FAR),
    (K8S, b'{}\n{"objectRef":{"resource":"secrets"},"a":"%s","verb":"list"}\n{}' % FAR),
    (K8S, b'{}\n{"verb":"list","a":[{"b":"}"},{\n}\n]\n,"c":{"d":{\n}\n},"objectRef":{"resource":"secrets"}}\n{}'),
    (K8S, rb'{"properties":{"log":"{\"verb\":\"list\",\"%s\":\"\",\"objectRef\":{\"resource\":\"secrets\"}}"}}' % FAR),
    (K8S, rb'{"properties":{"log":"[{\"objectRef\":{\"resource\":\"secrets\"},\"a\":\"\\\"\",\"verb\":\"list\"}]"}}'),
]


@pytest.mark.parametrize(("source", "data"), CRITICAL)
def test_each_trap_is_found_wherever_chunks_end(source: str, data: bytes) -> None:
    assert is_critical(source, data)
    found = signs(source)
    assert found.may_hold([data])
    assert [cut for cut in range(len(data)) if not found.may_hold([data[:cut], data[cut:]])] == []
    assert found.may_hold(data[at : at + 1] for at in range(len(data)))


ORDINARY: list[tuple[str, bytes]] = [
    (TRAIL, b""),
    (TRAIL, b"StopLogging"),
    (TRAIL, rb'{"eventName":"StopLoggings"}'),
    (TRAIL, rb'{"eventName":"PutRolePolicy","policy":"{\"Action\":[\"cloudtrail:StopLogging\",\"kms:*\"]}"}'),
    (TRAIL, rb'{"userAgent":"[S3Console\/0.4, \u003caws-internal\u003E]","a":"x\u003dy\u0026z","b":"\"\\\n\t\b\f\r"}'),
    (TRAIL, rb'{"a":"\u8a3c\u8de1\u2028\u2029\ud83d\ude00\u00e9\u0000\u001f\u007f"}'),
    (TRAIL, '{"a":"Stop\u212aLogging 証跡 😀"}'.encode()),
    (TRAIL, rb'{"CloudTrailEvent":"{\"a\":\"\\u003c\\u0026\\u8a3c\"}"}'),
    (ACTIVITY, rb'{"operationName":"Microsoft.KeyVault\/vaults\/read","a":"\u0022\u005c\u0027\u002B"}'),
    ("azure.audit", '{"operationName":"Update policy – 証跡","a":"\\u2013"}'.encode()),
    (
        "azure.signin",
        b'{"operationName":"Sign-in activity","resultType":"0","properties":{"status":{"errorCode":50053}}}',
    ),
    (K8S, rb'{"verb":"get","objectRef":{"resource":"secrets"},"a":{"message":"\u003cb\u003e \"q\""}}'),
    (K8S, b'{"verb":"list","objectRef":{"resource":"pods"}}\n{"verb":"get","objectRef":{"resource":"secrets"}}'),
    (K8S, b'{"verb":"get","objectRef":{"resource":"secrets"}}\n{"objectRef":{"resource":"pods"},"verb":"list"}'),
    (
        K8S,
        b'{"verb":"list","objectRef":{"resource":"pods"}}\n{"a":"%s"}\n{"verb":"get","a":"%s","objectRef":{"resource":"secrets"}}'
        % (FAR, FAR),
    ),
    (
        K8S,
        rb'{"logEvents":[{"message":"{\"verb\":\"list\",\"objectRef\":{\"resource\":\"pods\"}}"},'
        rb'{"message":"{\"verb\":\"get\",\"objectRef\":{\"resource\":\"secrets\"}}"}]}',
    ),
    (
        K8S,
        rb'{"records":[{"properties":{"log":"{\"verb\":\"create\",\"objectRef\":{\"resource\":\"pods\"}}"}},'
        rb'{"properties":{"log":"{\"verb\":\"watch\",\"objectRef\":{\"resource\":\"rolebindings\"}}"}}]}',
    ),
]


@pytest.mark.parametrize(("source", "data"), ORDINARY)
def test_what_is_ordinary_is_not_found_wherever_chunks_end(source: str, data: bytes) -> None:
    assert not is_critical(source, data)
    found = signs(source)
    assert not found.may_hold([data])
    assert [cut for cut in range(len(data)) if found.may_hold([data[:cut], data[cut:]])] == []
    assert not found.may_hold(data[at : at + 1] for at in range(len(data)))


def test_what_was_found_stays_found() -> None:
    search = signs(TRAIL).search()
    assert [search.feed(one) for one in (b'{"eventName":"Stop', b'Logging"}', FAR, FAR)] == [False, True, True, True]
    assert search.end()


@pytest.mark.parametrize("far", [0, 300_000, 1_050_000])
@pytest.mark.parametrize("wrap", [lambda text: text, lambda text: {"properties": {"log": text}}])
def test_parts_are_found_however_far_apart(far: int, wrap: Callable[[Any], Any]) -> None:
    event = {"verb": "list", "more": ["a", {"b": "x" * far}, {"c": "d"}], "objectRef": {"resource": "secrets"}}
    text = json.dumps(wrap(json.dumps(event))).encode() if wrap("") else json.dumps(event).encode()
    assert is_critical(K8S, text) == (far < 2**20)  # what is longer is no event any more
    assert signs(K8S).may_hold(text[at : at + 262_144] for at in range(0, len(text), 262_144))


def test_a_text_without_end_is_not_held_without_end() -> None:
    search = signs(K8S).search()
    fed = [search.feed(b"\\" * 2**20) for _ in range(10)]
    assert fed == [False] * 8 + [True] * 2


# Sources that nobody ships: each way in which a place can put a type together.
PLACES = [["{a} {b}/{c}"], ["{a}{b}"], ["{a} - {b}"], ["{a}ab{b}é{c}"], ["a", "{b} {c}"], ["{a} {b}", "c"]]
TYPES = ["a", "a b/a", "b*", "a *", "a - b", "a -*", "aABb", "a é*", "É", "b é/A", '"\\\n*']
VALUES = ["", "A", "b", "a ", "a b", " ", "É", "é", "b/a", "- b", "\u212a", '"\\\n/']


def source_of(places: list[str], types: Iterable[str]) -> LogSource:
    form = {"id": ["id"], "time": ["time"], "principal": ["who"], "type": places}
    head = {"id": "a.b", "text": {"en": "a", "ja": "a"}, "provider": "aws", "envelopes": ["lookup-event"]}
    return msgspec.convert({**head, "event": form, "critical": [{"type": one} for one in types]}, LogSource)


@pytest.mark.parametrize("places", PLACES)
def test_each_way_to_put_a_type_together_is_found(places: list[str]) -> None:
    compared = 0
    lanes = [(Projection(source), CriticalSigns(source)) for source in (source_of(places, [type_]) for type_ in TYPES)]
    for values in product(VALUES, VALUES, ["", "A", "é"]):
        data = json.dumps(dict(zip("abc", values, strict=True)), ensure_ascii=False).encode()
        for projection, found in lanes:
            if projection.is_critical(projection.type(projection.decode(data))):
                compared += 1
                assert found.may_hold([data]), data
    assert compared > 50


@pytest.mark.parametrize("spelling", [rb"\\n", rb"\\\u006e", rb"\u005c\u006E", rb"\\u000a"])
def test_the_letter_of_a_short_escape_may_be_escaped(spelling: bytes) -> None:
    """In a text inside of a text, a line break may be a backslash and an escaped `n`."""
    source = source_of(["a"], ["x\ny"])
    data = rb'{"CloudTrailEvent":"{\"a\":\"x%sy\"}"}' % spelling
    assert [one.critical for one in read(source, BytesIO(data)) if isinstance(one, Event)] == [True]
    assert CriticalSigns(source).may_hold([data])


def test_with_little_memory_all_is_found_or_nothing_begins() -> None:
    """RE2 begins its automaton anew when memory runs out; what has too little for that says so before any search."""
    with pytest.raises(ValueError, match="too long"):
        CriticalSigns(shipped()[K8S], memory=100_000)
    found = CriticalSigns(shipped()[K8S], memory=400_000)
    critical = [data for source, data in CRITICAL if source == K8S]
    assert len(critical) > 10
    assert all(found.may_hold([data]) for data in critical)
    assert not any(found.may_hold([data]) for source, data in ORDINARY if source == K8S)


def test_no_character_but_ascii_letters_has_a_case() -> None:
    """By `str.lower` two others have an ASCII letter in their lower case, and would be spellings of types, too."""
    others = [chr(code) for code in range(128, sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
    text = "".join(others)
    assert folded(text) == text.encode()
    assert re.findall(r"[ -~]", text.lower()) == ["i", "k"]
    assert folded("AZaz09-/. ") == b"azaz09-/. "


def test_envelopes_say_whether_they_hold_texts() -> None:
    """What is inside of a text comes out as bytes of its own, all else as a part of what came."""
    for name, wrap in WRAPPED.items():
        decoded = msgspec.json.decode(spelled(wrap(b"{}"), Habits(), Random(0)).encode(), type=dict[str, msgspec.Raw])
        value = msgspec.json.decode(decoded[ENVELOPE_KEYS[name]], type=ENVELOPES[name].form)
        inside = opened(name, value)
        assert inside is not None
        assert {type(one) is bytes for one in inside} == {ENVELOPES[name].as_text}


FILES = [
    ("aws/cloudtrail-panther-tests.jsonl", TRAIL),
    ("aws/cloudtrail-plaso.jsonl", TRAIL),
    ("aws/cloudtrail-stratus-detonation.jsonl", TRAIL),
    ("azure/activitylogs-panther-tests.jsonl", ACTIVITY),
    ("azure/activitylogs-plaso.jsonl", ACTIVITY),
    ("azure/auditlogs-panther-tests.jsonl", "azure.audit"),
    ("azure/signinlogs-panther-tests.jsonl", "azure.signin"),
    ("gcp/audit-panther-tests.jsonl", "gcp.audit"),
    ("gcp/audit-plaso.jsonl", "gcp.audit"),
    ("gcp/gke-audit-panther-tests.jsonl", "gcp.audit"),
    ("kubernetes/aks-wrapped-panther-tests.jsonl", K8S),
    ("kubernetes/audit-panther-tests.jsonl", K8S),
]


@pytest.mark.shared
def test_of_published_logs_all_is_found_and_two_lines_too_many(shared_folder: Path) -> None:
    """Two lines of 874 have the name of a critical event under a key that is none of CloudTrail's, `eventname`."""
    missing, wrong, lines = [], [], Counter[bool]()
    for name, source in FILES:
        for number, line in enumerate((shared_folder / "logs" / name).read_bytes().splitlines(), 1):
            critical, found = is_critical(source, line), signs(source).may_hold([line])
            lines[critical] += 1
            missing += [(name, number)] * (critical and not found)
            wrong += [(name, number)] * (found and not critical)
    assert lines == {False: 781, True: 93}
    assert missing == []
    assert wrong == [("aws/cloudtrail-panther-tests.jsonl", 115), ("aws/cloudtrail-panther-tests.jsonl", 116)]
