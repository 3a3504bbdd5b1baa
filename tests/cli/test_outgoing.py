"""What operators see of addresses that are not allowed: at apply, at upgrade, and in the installation's file."""

import json
from pathlib import Path

import msgspec
import pytest

from catalog.form import convert
from catalog.yaml_reader import parse
from demo.stand_ins.kubernetes import ClusterStandIn
from model.fault import Refused
from model.tenant import Channel, KubernetesCluster, Tenant
from pipeline.installation import open_home, settings
from pipeline.world import bounds_in
from tests.commands import said as run
from tests.tenant_text import TENANT

UUID = "11111111-2222-4333-8444-555555555555"
AT = "2026-06-01T00:00:00.000000Z"
KEY = "env:HINOMI_{}__KEY"
EXEC = {"apiVersion": "client.authentication.k8s.io/v1", "command": "/bin/true"}


@pytest.fixture
def home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert run(capsys, "init", "--home", str(tmp_path / "home"))[0] == 0
    return tmp_path / "home"


def write(home: Path, text: str) -> None:
    (home / "installation.yaml").write_text(text, encoding="utf-8")


def kubeconfig(home: Path, tenant: str, user: dict[str, object]) -> None:
    own = home / "secrets" / tenant
    own.mkdir(parents=True)
    written = {
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": "https://10.9.8.7:6443"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
        "users": [{"name": "c", "user": user}],
    }
    (own / "kubeconfig").write_text(json.dumps(written))


def applied(home: Path, id_: str, url: str) -> Tenant:
    """Put a tenant of before into a home: nobody asked then where its file leads."""
    plain = convert(parse(TENANT.replace("tenant: aozora", f"tenant: {id_}").encode(), "t"), Tenant)
    hook = Channel("soc", "webhook", settings={"url": url, "secret": KEY.format(id_.upper())})
    cluster = KubernetesCluster(UUID, "shop", "file:kubeconfig")
    tenant = msgspec.structs.replace(plain, channels=[hook], kubernetes=[cluster])
    open_home(home).apply(id_, msgspec.to_builtins(tenant), AT, "p")
    return tenant


HOOK = "type: webhook, settings: {{url: '{}', secret: '" + KEY.format("AOZORA") + "'}}}}"


def test_apply_names_place_address_and_remedy_and_takes_what_is_allowed(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = home.parent / "t.yaml"
    text = TENANT.replace("type: console}", HOOK.format("http://127.1:9/x"))
    assert text != TENANT
    file.write_text(text, encoding="utf-8")
    line = next(n for n, one in enumerate(text.splitlines(), 1) if "127.1" in one)
    status, out, err = run(capsys, "apply", str(file), "--home", str(home))
    assert (status, out, len(err)) == (2, "", 1)
    assert err[0].startswith(f"hinomi: {file}:{line}:")
    assert err[0].endswith(
        " '127.1' leads to 127.0.0.1, which is not allowed; "
        "let the operator add its network under 'outgoing.allow' in installation.yaml"
    )
    assert open_home(home).tenants() == []
    for allow, expected in (
        ("[10.0.0.0/8]", 2),
        ("{midori: [127.0.0.0/8]}", 2),
        ("{aozora: [127.0.0.0/8]}", 0),
        ('{"*": [127.0.0.1]}', 0),
        ("[127.0.0.0/8, '::1']", 0),
    ):
        write(home, f"outgoing: {{allow: {allow}}}\n")
        assert run(capsys, "apply", str(file), "--dry-run", "--home", str(home))[0] == expected, allow


def test_a_name_that_cannot_be_found_now_is_warned_of(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = home.parent / "t.yaml"
    file.write_text(TENANT.replace("type: console}", HOOK.format("https://soc.invalid/x")), encoding="utf-8")
    status, out, err = run(capsys, "apply", str(file), "--home", str(home))
    assert (status, len(err)) == (0, 1)
    assert "Applied as edition 1." in out
    assert err[0].endswith("'soc.invalid' has no address now: nothing goes there until it has")


@pytest.mark.parametrize("before", ["", "workers: 3\n", "outgoing: {allow: [172.16.0.0/12]}\n"])
def test_upgrade_lists_what_is_in_use_and_the_lines_that_allow_it_and_writes_none(
    home: Path, capsys: pytest.CaptureFixture[str], before: str
) -> None:
    tenants = [applied(home, "aozora", "http://127.1:8080/x"), applied(home, "midori", "https://8.8.8.8/x")]
    kubeconfig(home, "aozora", {"token": "t"})
    kubeconfig(home, "midori", {"exec": EXEC})
    write(home, before)
    status, out, err = run(capsys, "upgrade", "--home", str(home))
    assert (status, err) == (0, [])
    assert (home / "installation.yaml").read_text("utf-8") == before
    lines = out.splitlines()
    said = [one for one in lines if "is not served any more: " in one]
    assert [one.split(" is not")[0] for one in said] == [
        "aozora: the channel soc",
        "aozora: the cluster shop",
        "midori: the cluster shop",
    ]
    assert "'127.1' leads to 127.0.0.1," in said[0]
    assert "'10.9.8.7' leads to 10.9.8.7," in said[1]
    assert "add its absolute path (/bin/true) under 'kubernetes.exec_allow'" in said[2]
    at = lines.index("outgoing:")
    write(home, "\n".join(lines[at:]) + "\nkubernetes: {exec_allow: [/bin/true]}\n")
    again = run(capsys, "upgrade", "--home", str(home))[1]
    assert [one.split(" leads to")[0] for one in again.splitlines() if "any more" in one] == [
        "midori: the cluster shop is not served any more: '10.9.8.7'"
    ]
    aozora, midori = (bounds_in(home)(tenant).border for tenant in tenants)
    assert (aozora.look("127.1", 9).denied, aozora.look("10.9.8.7", 9).denied) == ([], [])
    assert midori.look("127.1", 9).denied == ["127.0.0.1"]
    assert midori.look("172.16.0.1", 9).denied == ([] if "172" in before else ["172.16.0.1"])


@pytest.mark.parametrize("proxy", ["", "http://proxy.example:3128"])
def test_a_name_that_only_a_proxy_knows_is_listed(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    applied(home, "midori", "https://soc.invalid/x")
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    out = run(capsys, "upgrade", "--home", str(home))[1]
    listed = "midori: the channel soc is not served any more: 'soc.invalid' has no address now: nothing goes there"
    assert (listed in out) == bool(proxy)


@pytest.mark.process
def test_one_look_hands_the_plug_in_what_was_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    plug_in = tmp_path / "plug-in"
    token = json.dumps({"status": {"token": "t"}})
    plug_in.write_text(f"#!/bin/sh\nenv >> {tmp_path}/seen\necho '{token}'\n")
    plug_in.chmod(0o700)
    with ClusterStandIn([]) as cluster:
        file = str(cluster.kubeconfig(tmp_path, {"exec": EXEC | {"command": str(plug_in)}}))
        looking = ["check", "kubernetes", "--kubeconfig", file, "--policy", "kubernetes.core.privileged-container"]
        run(capsys, *looking)
        assert "AWS_" not in (tmp_path / "seen").read_text()
        run(capsys, *looking, "--plug-in-variable", "AWS_PROFILE")
    seen = (tmp_path / "seen").read_text()
    assert ("AWS_PROFILE=mine" in seen, "AWS_SECRET" in seen) == (True, False)


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        ("outgoing:\n  allow:\n    - 10.0.0.0/8\n    - 10.0.0.1/8\n", "4:7", "write 10.0.0.0/8"),
        ("outgoing: {allow: [soc.example]}\n", "1:20", "'soc.example' is no network; write it as 10.20.0.0/16"),
        ("outgoing: {allow: {aozora: ['::1/33']}}\n", "1:29", "write ::/33"),
        ("outgoing: {allow: {Aozora: [10.0.0.0/8]}}\n", "1:", "Aozora"),
        ("outgoing: {alow: [10.0.0.0/8]}\n", "1:12", "did you mean 'allow'?"),
        ("outgoing: {allow: 10.0.0.0/8}\n", "1:19", "is none of the forms taken here"),
        ("outgoing: {allow: [10]}\n", "1:", "put it in quotes"),
        ("kubernetes: {exec_allow: [aws]}\n", "1:27", "'aws' does not fit the pattern"),
        ("kubernetes: {exec_environment: ['AWS_PROFILE=x']}\n", "1:33", "does not fit the pattern"),
    ],
)
def test_a_network_that_is_none_is_refused_with_line_and_remedy(
    home: Path, capsys: pytest.CaptureFixture[str], text: str, place: str, problem: str
) -> None:
    write(home, text)
    with pytest.raises(Refused, match="installation") as refused:
        settings(home)
    assert f"installation.yaml:{place}" in str(refused.value)
    assert problem in str(refused.value)
    status, _, err = run(capsys, "upgrade", "--home", str(home))
    assert (status, len(err)) == (2, 1)
