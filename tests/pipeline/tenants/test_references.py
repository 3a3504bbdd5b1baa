"""Every field of a tenant's file that is a reference leads, where it is used, to what is the tenant's only.

The fields are found by their forms: one that is added is tried here without a word, and fails where it is not bound.
"""

import ast
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import inspect
from msgspec.structs import replace

from model.alert import Alert
from model.fault import Refused
from model.tenant import REFERENCE, Channel, Tenant
from model.text import Text
from notifier import channels
from notifier.message import Message, Ways
from outgoing.border import Border
from pipeline.providers.provider import Feed, FeedOf, Scope, opened_feed, opening_of
from pipeline.providers.registry import PROVIDERS
from pipeline.secrets import UNBOUND, TenantSecrets
from pipeline.tenants.references import used_references
from pipeline.tenants.scopes import discovered
from tests.architecture.project import ROOT, SOURCES
from tests.conftest import MovingClock
from tests.recorded_clouds import TENANT

CLOCK = MovingClock()
UUID = "11111111-2222-4333-8444-555555555555"
AZURE = {"directory": UUID, "subscriptions": [UUID]}
# The least of each form whose fields are references, by where it stands in the file.
LEAST: dict[str, dict[str, Any]] = {
    "scopes": {"aws": "123456789012"},
    "scopes.write": {},
    "azure": AZURE | {"client": UUID},
    "azure.write": {"client": UUID},
    "google": {"projects": ["aozora-shop"]},
    "google.write": {},
    "kubernetes": {"cluster": UUID, "name": "shop"},
    "kubernetes.write": {},
    "logs": {
        "source": "aws.cloudtrail",
        "aws": "123456789012",
        "queue": "https://sqs.ap-northeast-1.amazonaws.com/123456789012/trail",
        "buckets": ["aozora-trail"],
    },
    "email": {"host": "127.0.0.1", "port": 9, "sender": "a@b.example", "recipients": ["c@d.example"], "user": "u"},
    "webhook": {"url": "http://127.0.0.1:9/x", "secret": "env:OWN"},
}
# What leads to groups of places goes on from there: these are entered by the same fields.
GROUPS: dict[str, dict[str, Any]] = {
    "azure": {"directory": UUID, "management_groups": ["all"], "client": UUID},
    "google": {"folders": ["71"]},
}
# How each kind of reference is written that is another's; the first of these that the form takes.
FOREIGN = ("file:/etc/shadow", "/etc/shadow", "customer-b")


def marked(form: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the ways to the fields of a form that are references."""
    match form:
        case inspect.Metadata(extra=extra) if REFERENCE in (extra or {}):
            yield path
        case inspect.Metadata():
            yield from marked(form.type, path)
        case inspect.StructType():
            for field in form.fields:
                yield from marked(field.type, (*path, field.encode_name))
        case inspect.UnionType():
            for one in form.types:
                yield from marked(one, path)
        case inspect.ListType():
            yield from marked(form.item_type, path)
        case inspect.DictType():
            yield from marked(form.value_type, path)


FIELDS = sorted(set(marked(inspect.type_info(Tenant))))
SETTINGS = [
    (type_, *field) for type_ in channels.types() for field in marked(inspect.type_info(channels.way(type_).settings))
]


def asked(way: tuple[str, ...], least: dict[str, Any], foreign: str) -> Tenant:
    """Return a tenant whose file says the least there is, but for one field that refers to what is another's."""
    *place, field = way
    below = LEAST[".".join(place)] | {field: foreign}
    entry = least | {place[1]: below} if len(place) == 2 else least | {field: foreign}
    return msgspec.convert(msgspec.to_builtins(TENANT) | {"scopes": []} | {place[0]: [entry]}, Tenant)


def tenant_with(way: tuple[str, ...], least: dict[str, Any]) -> Tenant:
    for foreign in FOREIGN:
        try:
            tenant = asked(way, least, foreign)
        except msgspec.ValidationError:
            continue
        if list(used_references(tenant)):
            return tenant
    raise AssertionError(f"{way} takes no reference that is known here")


@pytest.mark.process  # the SDK asks for the machine's name when it is imported
@pytest.mark.parametrize("way", FIELDS, ids=".".join)
def test_a_field_that_is_a_reference_opens_nothing_of_others(way: tuple[str, ...]) -> None:
    tenant = tenant_with(way, LEAST[way[0]])
    (used,) = used_references(tenant)
    secrets = TenantSecrets(tenant.tenant, Path("/nowhere"))
    (scope,) = places_of(tenant, secrets)
    with pytest.raises(Refused, match=f"the reference {used.reference} is not granted to {tenant.tenant}"):
        enter(scope, way)
    with pytest.raises(Refused, match="belongs to no tenant"):
        enter(replace(scope, secrets=UNBOUND), way)


def places_of(tenant: Tenant, secrets: TenantSecrets) -> list[Scope | Feed]:
    feeds = [feed for one in PROVIDERS if one.feeds for feed in one.feeds.named(tenant, "")]
    found = discovered(tenant, "", CLOCK, secrets=secrets).found
    return [*found, *(replace(feed, secrets=secrets) for feed in feeds)]


def enter(scope: Scope | Feed, way: tuple[str, ...]) -> object:
    """Enter a scope to read or to change it, or a feed, whichever a field is for."""
    if isinstance(scope, FeedOf):
        return opened_feed(scope, PROVIDERS, CLOCK)
    opening = opening_of(scope, PROVIDERS)
    return opening.connect_write(scope, [], CLOCK) if "write" in way else opening.connect(scope, [], CLOCK)


@pytest.mark.process
@pytest.mark.parametrize("way", [way for way in FIELDS if way[0] in GROUPS and "write" not in way], ids=".".join)
def test_a_group_is_not_listed_by_what_is_another_s(way: tuple[str, ...]) -> None:
    tenant = tenant_with(way, GROUPS[way[0]])
    found = discovered(tenant, "", CLOCK, secrets=TenantSecrets(tenant.tenant, Path("/nowhere")))
    assert [cause.split(": ", 1)[1].startswith("the reference ") for cause in found.closed.values()] == [True]


@pytest.mark.parametrize("way", SETTINGS, ids=".".join)
def test_a_channel_sends_nothing_with_what_is_another_s(way: tuple[str, ...]) -> None:
    type_, field = way
    settings = LEAST[type_] | ({"password": "env:OWN"} if type_ == "email" else {}) | {field: "file:/etc/shadow"}
    tenant = replace(TENANT, channels=[Channel("one", type_, settings=settings)])
    assert "file:/etc/shadow" in {used.reference for used in used_references(tenant)}
    secrets = TenantSecrets(tenant.tenant, Path("/nowhere"), frozenset({"env:OWN"}), {"OWN": "whsec_" + "QUJD" * 10})
    form = channels.way(type_)

    def refuse(host: str, port: int) -> list[str]:
        raise AssertionError(f"sent to {host}:{port}")

    ways = Ways(io.StringIO(), CLOCK.now, Border(resolver=refuse))
    for bound in (ways, replace(ways, secret=secrets.value)):
        with pytest.raises(Refused, match=r"is not granted to|belongs to no tenant"):
            form.send(MESSAGE, msgspec.convert(settings, form.settings), bound)


TEXT = Text(en="t", ja="題")
ALERT = Alert("a", "aozora", "p", "open", "1", "high", TEXT, TEXT, "2026-06-01T00:00:00.000000Z", ())
MESSAGE = Message("k" * 32, ALERT, "en")


def test_all_fields_are_known_here() -> None:
    assert len(FIELDS) >= 12
    assert {way[0] for way in SETTINGS} == {"email", "webhook"}


# Whoever read a file or a variable without asking would not be stopped above: nobody does.
READS = {"open", "read_bytes", "read_text", "getenv", "expanduser", "environ"}
BY_COMMAND = {"pipeline/providers/azure/opening.py": {"looks"}, "pipeline/providers/recordings.py": {"parse"}}


def test_nothing_that_opens_places_or_sends_reads_a_file_or_a_variable_by_itself() -> None:
    rooms = (ROOT / "pipeline" / "providers", ROOT / "notifier")
    for file in (one for one in SOURCES if any(room in one.parents for room in rooms)):
        allowed = BY_COMMAND.get(str(file.relative_to(ROOT)), set())
        for name, node in functions(ast.parse(file.read_text("utf-8"))):
            assert name in allowed or not READS & names(node), f"{file}: {name}"


def functions(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    for node in tree.body:
        yield getattr(node, "name", ""), node


def names(node: ast.AST) -> set[str]:
    found: dict[type, Callable[[Any], str]] = {ast.Name: lambda one: one.id, ast.Attribute: lambda one: one.attr}
    return {found[type(one)](one) for one in ast.walk(node) if type(one) in found}
