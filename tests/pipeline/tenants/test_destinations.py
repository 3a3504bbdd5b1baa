"""Nothing of a tenant's file leads inside, however the address is written and whichever way it would go.

A real server on this machine counts who comes. The ways are those of the forms: a channel that is added and leads
outside is missed below until it is tried here.
"""

import ast
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import inspect
from msgspec.structs import replace

from demo.stand_ins.kubernetes import UID
from model.alert import Alert
from model.fault import Refused
from model.tenant import ADDRESS, Channel, KubernetesCluster, KubernetesWrite, Tenant
from model.text import Text
from notifier import channels
from notifier.message import Message, Outcome, Ways, unreachable
from notifier.smtp import Patience
from outgoing.addresses import network_of
from outgoing.border import NOT_ALLOWED, Border, Denied
from pipeline.bounds import Bounds
from pipeline.providers.provider import opening_of
from pipeline.providers.registry import PROVIDERS
from pipeline.secrets import TenantSecrets
from pipeline.tenants.destinations import judgements
from pipeline.tenants.scopes import discovered
from tests.architecture.project import ROOT, SOURCES
from tests.conftest import MovingClock
from tests.recorded_clouds import TENANT
from tests.servers.counting import counting

# All are this machine's loopback addresses, as the C library reads them (inet_aton(3)), or get there by Linux.
HERE = [
    "127.0.0.1", "localhost", "127.1", "127.0.1", "0177.1", "0x7f.1", "0x7F000001", "2130706433",
    "017700000001", "127。0。0。1", "0.0.0.0", "0", "[::1]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]", "[::]", "LOCALHOST",
]  # fmt: skip
INSIDE = [
    "169.254.169.254", "[fd00:ec2::254]", "2852039166", "0xa9fea9fe", "[::ffff:169.254.169.254]", "10.0.0.1",
    "172.16.0.1", "192.168.1.1", "100.100.100.200", "168.63.129.16", "[fe80::1]", "[fe80::1%25lo]", "[64:ff9b::7f00:1]",
    "[64:ff9b::a9fe:a9fe]", "[2002:7f00:1::1]", "[2001:0:7f00:1::1]", "[::127.0.0.1]", "224.0.0.1", "[ff02::1]",
    "255.255.255.255", "240.0.0.1", "0177.0.0.01", "[::1", "metadata.google.internal", "nothing.invalid",
    "127.0.0.1.", "[fc00::1]",
]  # fmt: skip
ALL = Border([network_of("0.0.0.0/0"), network_of("::/0")])
CLOCK = MovingClock()
TEXT = Text(en="t", ja="題")
MESSAGE = Message("k", Alert("a", "aozora", "p", "open", "1", "high", TEXT, TEXT, "2026-06-01T00:00:00Z", ()), "en")
HOME = Path("/nowhere")
SECRETS = TenantSecrets(TENANT.tenant, HOME, frozenset({"env:KEY"}), {"KEY": "k" * 24})


def by_channel(type_: str, settings: dict[str, Any], border: Border) -> str:
    """Send to a channel; return what its people are told."""
    form = channels.way(type_).settings
    patience = Patience(2, 2, 2)
    ways = Ways(io.StringIO(), CLOCK.now, border, patience, 2, SECRETS.value)
    try:
        return str(channels.way(type_).send(MESSAGE, msgspec.convert(settings, form), ways).problem)
    except msgspec.ValidationError:
        return NOT_ALLOWED  # such a file is not taken
    except Denied as denied:
        return str(denied)


def webhook(host: str, port: int, border: Border, _: Path) -> str:
    return by_channel("webhook", {"url": f"http://{host}:{port}/x", "secret": "env:KEY"}, border)


def secure_webhook(host: str, port: int, border: Border, _: Path) -> str:
    return by_channel("webhook", {"url": f"https://{host}:{port}/x", "secret": "env:KEY"}, border)


def mail(security: str) -> Callable[[str, int, Border, Path], str]:
    def send(host: str, port: int, border: Border, _: Path) -> str:
        host = host.strip("[]").replace("%25", "%")
        written = {"host": host, "port": port, "sender": "a@b.example", "recipients": ["c@d.example"]}
        return by_channel("email", written | {"security": security}, border)

    return send


def kubeconfig(cluster: dict[str, Any], border: Border, folder: Path, write: bool = False) -> str:
    """Enter a cluster by a kubeconfig of the tenant's; return what its people are told."""
    written = {
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": cluster}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
        "users": [{"name": "c", "user": {"token": "t"}}],
    }
    own = folder / "secrets" / TENANT.tenant
    own.mkdir(parents=True, exist_ok=True)
    (own / "kubeconfig").write_text(json.dumps(written))
    tenant = with_cluster("file:kubeconfig")
    secrets = TenantSecrets(tenant.tenant, folder)
    (scope,) = discovered(tenant, "", CLOCK, secrets=secrets, bounds=Bounds(border)).found
    opening = opening_of(scope, PROVIDERS)
    try:
        opening.connect_write(scope, [], CLOCK) if write else opening.connect(scope, [], CLOCK)
    except Refused as refused:
        return str(refused)
    return ""


def with_cluster(file: str) -> Tenant:
    entry = KubernetesCluster(UID, "shop", file)
    return replace(TENANT, scopes=[], kubernetes=[replace(entry, write=KubernetesWrite(file))])


def cluster(host: str, port: int, border: Border, folder: Path) -> str:
    return kubeconfig({"server": f"http://{host}:{port}"}, border, folder)


def cluster_for_changes(host: str, port: int, border: Border, folder: Path) -> str:
    return kubeconfig({"server": f"https://{host}:{port}", "insecure-skip-tls-verify": True}, border, folder, True)


PROTOCOLS: dict[str, Callable[[str, int, Border, Path], str]] = {
    "webhook": webhook,
    "webhook by TLS": secure_webhook,
    "mail": mail("starttls"),
    "mail by TLS": mail("tls"),
    "cluster": cluster,
    "cluster for changes": cluster_for_changes,
}


@pytest.mark.process
@pytest.mark.sweep
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_spelling_arrives_here_and_open_and_closed_ports_are_told_alike(tmp_path: Path, protocol: str) -> None:
    with counting("127.0.0.1", "::1") as server, counting("127.0.0.1", "::1") as other:
        closed, said = other.port, {}
        for host in (*HERE, *INSIDE):
            said[host] = PROTOCOLS[protocol](host, server.port, Border(), tmp_path)
        assert {host: why for host, why in said.items() if why != NOT_ALLOWED} == {}
        assert server.arrived() == []
    for host in HERE:
        assert PROTOCOLS[protocol](host, closed, Border(), tmp_path) == NOT_ALLOWED


# What a form refuses is no address that mail can go to at all.
NO_MAIL = {"127.1", "127.0.1", "0177.1", "0x7f.1", "2130706433", "017700000001", "0", "127。0。0。1"}


@pytest.mark.process
@pytest.mark.sweep
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_each_of_them_would_arrive_where_all_is_allowed(tmp_path: Path, protocol: str) -> None:
    """Else the test above would not fail without the check."""
    for host in HERE:
        with counting("127.0.0.1", "::1") as server:
            PROTOCOLS[protocol](host, server.port, ALL, tmp_path)
            assert bool(server.arrived()) != ("mail" in protocol and host in NO_MAIL), host


@pytest.mark.process
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_is_allowed_is_reached_and_told_of(tmp_path: Path, protocol: str) -> None:
    with counting("127.0.0.1") as server:
        told = PROTOCOLS[protocol]("127.0.0.1", server.port, Border([network_of("127.0.0.0/8")]), tmp_path)
        assert server.arrived()
        assert NOT_ALLOWED not in told
        for elsewhere in ("127.0.0.2/32", "10.0.0.0/8", "::1"):
            before = len(server.arrived())
            assert (
                PROTOCOLS[protocol]("127.0.0.1", server.port, Border([network_of(elsewhere)]), tmp_path) == NOT_ALLOWED
            )
            assert len(server.arrived()) == before


@pytest.mark.process
@pytest.mark.parametrize("host", [*HERE, *INSIDE])
def test_a_kubeconfig_s_proxy_is_refused_wherever_it_is(tmp_path: Path, host: str) -> None:
    with counting("127.0.0.1", "::1") as server:
        asked = {"server": "http://8.8.8.8", "proxy-url": f"http://{host}:{server.port}"}
        assert "'proxy-url', which is not taken from a tenant's file" in kubeconfig(asked, Border(), tmp_path)
        assert server.arrived() == []


def test_at_apply_each_place_is_named_with_the_address(tmp_path: Path) -> None:
    written = {"host": "localhost", "sender": "a@b.example", "recipients": ["c@d.example"]}
    sending = [
        Channel("a", "webhook", settings={"url": "http://2130706433/x", "secret": "env:KEY"}),
        Channel("b", "email", settings=written),
        Channel("c", "webhook", settings={"url": "https://soc.example/x", "secret": "env:KEY"}),
        Channel("d", "webhook", settings={"url": "https://nothing.example/x", "secret": "env:KEY"}),
        Channel("e", "webhook", settings={"url": "http://[::1/x", "secret": "env:KEY"}),
        Channel("f", "console"),
    ]
    names = {"2130706433": ["127.0.0.1"], "localhost": ["::1", "127.0.0.1"], "soc.example": ["8.8.8.8"]}
    bounds = Bounds(Border(resolver=lambda host, _port: names.get(host, [])))
    found = [*judgements(replace(TENANT, channels=sending), SECRETS, bounds)]
    assert [(one.destination.path[1], one.denied, bool(one.doubt)) for one in found] == [
        (0, ["127.0.0.1"], False),
        (1, ["::1", "127.0.0.1"], False),
        (2, [], False),
        (3, [], True),
        (4, [], False),
    ]
    assert "leads to 127.0.0.1, which is not allowed; let the operator add its network under" in found[0].fault
    assert (found[2].fault, found[3].fault) == ("", "")
    assert found[4].fault == "'http://[::1/x' is no URL of a web server"


def test_a_kubeconfig_that_cannot_be_read_now_is_a_doubt() -> None:
    found = [*judgements(with_cluster("file:kubeconfig"), TenantSecrets(TENANT.tenant, HOME), Bounds())]
    assert [(one.fault, "cannot be read" in one.doubt) for one in found] == [("", True), ("", True)]


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ({"token_uri": "http://169.254.169.254/"}, "token_uri"),
        ({"token_uri": "https://oauth2.googleapis.com.example/token"}, "token_uri"),
        ({"token_uri": None}, "token_uri"),
        ({"token_uri": ["https://oauth2.googleapis.com/token"]}, "token_uri"),
        ({"universe_domain": "example.com"}, "universe_domain"),
        ({"universe_domain": None}, "universe_domain"),
        ({"token_uri": "https://oauth2.googleapis.com/token", "universe_domain": "googleapis.com"}, ""),
        ({}, ""),
    ],
)
def test_a_key_of_google_s_leads_to_google(tmp_path: Path, key: dict[str, Any], problem: str) -> None:
    own = tmp_path / "secrets" / TENANT.tenant
    own.mkdir(parents=True)
    (own / "key").write_text(json.dumps(key))
    google = [{"projects": ["aozora-shop"], "key": "file:key", "write": {"key": "file:key"}}]
    tenant = msgspec.convert(msgspec.to_builtins(TENANT) | {"scopes": [], "google": google}, Tenant)
    secrets = TenantSecrets(tenant.tenant, tmp_path)
    faults = [one.fault for one in judgements(tenant, secrets, Bounds())]
    assert len(faults) == (2 if problem else 0)
    assert all(f"names a '{problem}'" in fault for fault in faults)
    (scope,) = discovered(tenant, "", CLOCK, secrets=secrets).found
    opening = opening_of(scope, PROVIDERS)
    for enter in (lambda: opening.connect(scope, [], CLOCK), lambda: opening.connect_write(scope, [], CLOCK)):
        with pytest.raises(Refused, match=problem or "the key file cannot be used"):
            enter()


def fields(form: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], bool]]:
    """Yield the text fields of a form, each with whether it is marked as an address."""
    match form:
        case inspect.Metadata():
            marked = ADDRESS in (form.extra or {})
            yield from ((way, marked or inner) for way, inner in fields(form.type, path))
        case inspect.StructType():
            for field in form.fields:
                yield from fields(field.type, (*path, field.encode_name))
        case inspect.UnionType():
            for one in form.types:
                yield from fields(one, path)
        case inspect.ListType():
            yield from fields(form.item_type, path)
        case inspect.StrType():
            yield path, False


def test_every_channel_that_leads_outside_says_by_which_fields() -> None:
    found = {
        type_: {way for way, marked in fields(inspect.type_info(channels.way(type_).settings)) if marked}
        for type_ in channels.types()
    }
    assert found == {"console": set(), "email": {("host",)}, "webhook": {("url",)}}


# What opens a connection by itself; ways out that are judged are in outgoing/ alone.
OPENS = {"create_connection", "urlopen", "getaddrinfo", "Client", "AsyncClient", "HTTPTransport", "SMTP_SSL", "Session"}
LIBRARIES = {"httpx", "httpx2", "requests", "urllib3", "aiohttp", "http", "urllib", "socket", "smtplib"}


@pytest.mark.parametrize(
    "file",
    [file for file in SOURCES if file.relative_to(ROOT).parts[0] in ("notifier", "reports", "detectors", "collectors")],
    ids=lambda file: str(file.relative_to(ROOT)),
)
def test_nothing_that_a_tenant_s_file_names_is_connected_to_but_over_the_border(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
        ):
            assert not (node.func.value.id in LIBRARIES and node.func.attr in OPENS | {"get", "post", "SMTP", "socket"})


def test_a_refusal_is_for_later_and_the_rest_of_the_channel_waits() -> None:
    assert unreachable(NOT_ALLOWED) == Outcome("again", NOT_ALLOWED, is_unreachable=True)
