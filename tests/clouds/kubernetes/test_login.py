"""What a kubeconfig may start and read: a bare environment for its program, and a tenant's own files only."""

import base64
import json
import stat
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from clouds.kubernetes import login as kubernetes_login
from clouds.kubernetes.login import Login
from clouds.kubernetes.tenants_file import TenantsFile
from demo.stand_ins.kubernetes import ClusterStandIn
from model.fault import Refused
from pipeline.clock import SystemClock
from tests.worlds import THIS_MACHINE

SERVICE_S = {
    "AWS_SECRET_ACCESS_KEY": "s",
    "AZURE_CLIENT_SECRET": "s",
    "GOOGLE_APPLICATION_CREDENTIALS": "s",
    "HINOMI_TOKEN": "s",
    "HINOMI_AOZORA__KEY": "s",
    "PGPASSWORD": "s",
    "KUBECONFIG": "s",
    "HTTPS_PROXY": "http://127.0.0.1:9",
}
BARE = {"PATH", "HOME", "LANG", "KUBERNETES_EXEC_INFO"}
OF_THE_SHELL = {"PWD", "SHLVL", "_", "OLDPWD"}
TOKEN = '{"kind":"ExecCredential","status":{"token":"t"}}'


@pytest.fixture
def plug_in(tmp_path: Path) -> Path:
    """Return a program that writes down its environment and makes a token."""
    file = tmp_path / "plug-in"
    file.write_text(f"#!/bin/sh\nenv -0 > {tmp_path}/seen\necho '{TOKEN}'\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return file


def seen(folder: Path) -> dict[str, str]:
    pairs = (folder / "seen").read_text().rstrip("\0").split("\0")
    return dict(pair.split("=", 1) for pair in pairs if pair.split("=", 1)[0] not in OF_THE_SHELL)


def asking(command: str, env: Mapping[str, str] = {}) -> dict[str, Any]:
    named = [{"name": name, "value": value} for name, value in env.items()]
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": command, "env": named}}


def of_tenant(file: Path, plug_ins: Sequence[str] = (), files: Mapping[str, bytes] = {}) -> Login:
    """Return a login by a kubeconfig of a tenant's, which has these files and programs."""

    def read(path: str) -> bytes:
        if path not in files:
            raise Refused(f"the reference file:{path} is not granted")
        return files[path]

    return Login(str(file), "", TenantsFile(file.read_bytes(), read, THIS_MACHINE, plug_ins))


def enter(login: Login) -> None:
    client = kubernetes_login.open_client(login, SystemClock())
    kubernetes_login.locate(client)
    client.close()


@pytest.mark.process
@pytest.mark.parametrize("is_tenants", [False, True])
def test_a_plug_in_sees_a_bare_environment_and_what_the_kubeconfig_and_the_operator_name(
    tmp_path: Path, plug_in: Path, monkeypatch: pytest.MonkeyPatch, is_tenants: bool
) -> None:
    for name, value in SERVICE_S.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("AWS_PROFILE", "of-the-service")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with ClusterStandIn([]) as cluster:
        file = cluster.kubeconfig(tmp_path, asking(str(plug_in), {"AWS_REGION": "eu-west-1"}))
        login = of_tenant(file, [str(plug_in)]) if is_tenants else Login(str(file))
        enter(login)
        assert set(seen(tmp_path)) == BARE | {"AWS_REGION"}
        enter(Login(login.kubeconfig, "", login.tenants, ["AWS_PROFILE", "NOT_SET"]))
    found = seen(tmp_path)
    assert set(found) == BARE | {"AWS_REGION", "AWS_PROFILE"}
    assert (found["AWS_REGION"], found["AWS_PROFILE"], found["LANG"]) == ("eu-west-1", "of-the-service", "C.UTF-8")
    assert json.loads(found["KUBERNETES_EXEC_INFO"])["spec"] == {"interactive": False}


@pytest.mark.process
@pytest.mark.parametrize("allowed", [(), ("/bin/false",), ("FOLDER",), ("plug-in",)])
def test_a_program_of_a_tenant_s_that_is_not_allowed_is_not_started(
    tmp_path: Path, plug_in: Path, allowed: tuple[str, ...]
) -> None:
    plug_ins = [str(tmp_path) if one == "FOLDER" else one for one in allowed]
    with ClusterStandIn([]) as cluster:
        file = cluster.kubeconfig(tmp_path, asking(str(plug_in)))
        with pytest.raises(Refused, match=rf"let the operator add its absolute path \({plug_in}\) under 'kubernetes."):
            enter(of_tenant(file, plug_ins))
        assert cluster.asked == []
    assert not (tmp_path / "seen").exists()


@pytest.mark.process
def test_a_bare_name_is_the_allowed_program_of_the_service_s_path(
    tmp_path: Path, plug_in: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other" / "plug-in"
    other.parent.mkdir()
    other.write_bytes(plug_in.read_bytes())
    other.chmod(0o700)
    with ClusterStandIn([]) as cluster:
        login = of_tenant(cluster.kubeconfig(tmp_path, asking("plug-in")), [str(plug_in)])
        for path, is_started in ((other.parent, False), (tmp_path, True)):
            monkeypatch.setenv("PATH", f"{path}:/usr/bin:/bin")
            if is_started:
                enter(login)
            else:
                with pytest.raises(Refused, match="is not allowed"):
                    enter(login)
            assert (tmp_path / "seen").exists() == is_started


@pytest.mark.parametrize(
    "name", ["PATH", "HOME", "LD_PRELOAD", "ld_preload", "PYTHONPATH", "BASH_ENV", "NODE_OPTIONS", "HTTPS_PROXY"]
)
def test_a_variable_that_makes_an_allowed_program_another_one_is_refused(tmp_path: Path, name: str) -> None:
    text = kubeconfig({"server": "http://127.0.0.1:9"}, asking("/bin/true", {name: "x"}))
    (tmp_path / "kubeconfig").write_text(text)
    with pytest.raises(Refused, match=f"may not set '{name}'"):
        kubernetes_login.server_of(of_tenant(tmp_path / "kubeconfig", ["/bin/true"]))


def kubeconfig(cluster: dict[str, Any], user: dict[str, Any]) -> str:
    return json.dumps(
        {
            "current-context": "test",
            "clusters": [{"name": "test", "cluster": cluster}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "users": [{"name": "test", "user": user}],
        }
    )


MAKING = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x"]
SERVER = {"server": "https://127.0.0.1:9"}
# Every key of a kubeconfig that names a file (client-go, clientcmd/api/v1 types.go).
NAMING = [
    (SERVER | {"certificate-authority": "FILE"}, {"token": "t"}),
    (SERVER, {"tokenFile": "FILE"}),
    (SERVER, {"client-certificate": "FILE", "client-key-data": "eA=="}),
    (SERVER, {"client-certificate-data": "eA==", "client-key": "FILE"}),
]


@pytest.mark.parametrize(("cluster", "user"), NAMING)
@pytest.mark.parametrize("named", ["/etc/shadow", "../midori/token", "token"])
def test_what_a_tenant_s_kubeconfig_names_is_read_as_the_tenant_s_only(
    tmp_path: Path, cluster: dict[str, Any], user: dict[str, Any], named: str
) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(kubeconfig(cluster, user).replace("FILE", named))
    shown = named if named.startswith("/") else f"{tmp_path}/{named}"
    with pytest.raises(Refused, match=f"the reference file:{shown} is not granted"):
        kubernetes_login.connection(of_tenant(file))


@pytest.mark.process
def test_a_token_and_certificates_in_the_tenant_s_own_files_enter(tmp_path: Path) -> None:
    subprocess.run(
        [*MAKING, "-keyout", tmp_path / "key.pem", "-out", tmp_path / "made.pem"],
        check=True,
        capture_output=True,
    )
    files = {f"{tmp_path}/{name}": (tmp_path / name).read_bytes() for name in ("key.pem", "made.pem")}
    user = {"client-certificate": "made.pem", "client-key": f"{tmp_path}/key.pem", "tokenFile": "token"}
    with ClusterStandIn([]) as cluster:
        file = cluster.kubeconfig(tmp_path, user)
        content = json.loads(file.read_text())
        content["clusters"][0]["cluster"]["certificate-authority"] = "made.pem"
        file.write_text(json.dumps(content))
        enter(of_tenant(file, files=files | {f"{tmp_path}/token": b"t"}))
    data = base64.b64encode(b"no certificate").decode()
    file.write_text(kubeconfig(SERVER | {"certificate-authority-data": data}, {"token": "t"}))
    with pytest.raises(Refused, match="cannot be used"):
        kubernetes_login.connection(of_tenant(file))


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "socks5://10.0.0.1:1080", "", None, "http://proxy.example"])
def test_a_proxy_in_a_tenant_s_kubeconfig_is_refused(tmp_path: Path, url: str | None) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(kubeconfig(SERVER | {"proxy-url": url}, {"token": "t"}))
    with pytest.raises(Refused, match="'proxy-url', which is not taken from a tenant's file"):
        kubernetes_login.connection(of_tenant(file))


@pytest.mark.process
@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("exit 3", "ConfigError"),
        ("echo 'secret words' >&2; exit 1", "ConfigError"),
        ("echo nothing", "ConfigError"),
        ('echo \'{"status": {"token": 7}}\'', "ConfigError"),
        ("cat > /dev/null; exit 1", "ConfigError"),  # it is not waited for what nobody types
    ],
)
def test_a_plug_in_that_makes_no_token_is_a_cause_without_its_words(
    tmp_path: Path, plug_in: Path, script: str, problem: str
) -> None:
    plug_in.write_text(f"#!/bin/sh\n{script}\n")
    with ClusterStandIn([]) as cluster:
        file = cluster.kubeconfig(tmp_path, asking(str(plug_in)))
        with pytest.raises(Refused, match=rf"credentials \({problem}\)") as refused:
            enter(Login(str(file)))
    assert "secret words" not in str(refused.value)
