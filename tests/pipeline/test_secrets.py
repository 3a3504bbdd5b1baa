"""A tenant's references lead to what is the tenant's, at the moment of use: over no link, to no other name."""

import ast
import os
from pathlib import Path

import pytest

from model.fault import Refused
from pipeline.secrets import MAX_BYTES, UNBOUND, TenantSecrets, prefix_of, secret
from tests.architecture.project import ROOT, SOURCES

TENANTS = ("aozora", "aozora-food", "aozora-food2", "a", "a-b", "a-b-c", "azure", "client")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    for tenant in ("aozora", "midori"):
        (home / "secrets" / tenant / "in").mkdir(parents=True)
        (home / "secrets" / tenant / "key").write_text(f"{tenant}'s\n")
        (home / "secrets" / tenant / "in" / "key").write_text(f"{tenant}'s, inside\n")
    return home


def of(home: Path, *granted: str, tenant: str = "aozora") -> TenantSecrets:
    return TenantSecrets(tenant, home, frozenset(granted), {})


@pytest.mark.parametrize(
    ("reference", "value"),
    [
        ("file:key", b"aozora's"),
        ("file:in/key", b"aozora's, inside"),
        ("file:HOME/secrets/aozora/in/key", b"aozora's, inside"),
    ],
)
def test_a_file_below_the_tenant_s_folder_is_read(home: Path, reference: str, value: bytes) -> None:
    reference = reference.replace("HOME", str(home))
    assert of(home).value(reference) == value
    assert of(home).path(reference).read_bytes().strip() == value


@pytest.mark.parametrize(
    "where",
    [
        "../midori/key",
        "in/../../midori/key",
        "./key",
        "in//key",
        "key/",
        "..",
        "HOME/secrets/midori/key",
        "HOME/secrets/aozora/../midori/key",
        "HOME/secrets/aozora",
        "HOME/secrets/aozora-food/key",
        "HOME//secrets/aozora/key",
        "HOME/keys/service.key",
        "/etc/shadow",
        "//etc/shadow",
        "/",
        "key\x00",
        "k\u200bey",
        "key\u202e",
    ],
)
def test_no_spelling_leads_out_of_it(home: Path, where: str) -> None:
    with pytest.raises(Refused):
        of(home).value("file:" + where.replace("HOME", str(home)))


def _to_file(own: Path, other: Path) -> str:
    (own / "link").symlink_to(other / "key")
    return "link"


def _to_own_file(own: Path, _other: Path) -> str:
    (own / "link").symlink_to(own / "key")
    return "link"


def _to_folder(own: Path, other: Path) -> str:
    (own / "link").symlink_to(other)
    return "link/key"


def _whole_folder(own: Path, other: Path) -> str:
    own.rename(own.parent / "aside")
    own.symlink_to(other)
    return "key"


def _all_secrets(own: Path, _other: Path) -> str:
    own.parent.rename(own.parent.parent / "aside")
    own.parent.symlink_to(own.parent.parent / "aside")
    return "key"


def _second_name(own: Path, other: Path) -> str:
    os.link(other / "key", own / "hard")
    return "hard"


def _pipe(own: Path, _other: Path) -> str:
    os.mkfifo(own / "pipe")
    return "pipe"


def _folder(_own: Path, _other: Path) -> str:
    return "in"


def _large(own: Path, _other: Path) -> str:
    (own / "large").write_bytes(b"x" * (MAX_BYTES + 1))
    return "large"


def _empty(own: Path, _other: Path) -> str:
    (own / "empty").write_text(" \n")
    return "empty"


def _missing(_own: Path, _other: Path) -> str:
    return "nothing"


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (_to_file, "a link stands on the way"),
        (_to_own_file, "a link stands on the way"),
        (_to_folder, "a link stands on the way"),
        (_whole_folder, "a link stands on the way"),
        (_all_secrets, "a link stands on the way"),
        (_second_name, "has more than one name"),
        (_pipe, "is no file"),
        (_folder, "is no file"),
        (_large, "is larger than 1,000,000 bytes"),
        (_empty, "is empty"),
        (_missing, "No such file"),
    ],
)
@pytest.mark.parametrize("granted", [False, True])
def test_only_a_file_of_its_own_is_read_over_no_link(home: Path, made: object, why: str, granted: bool) -> None:
    assert callable(made)
    own = home / "secrets" / "aozora"
    where = made(own, home / "secrets" / "midori")
    if granted:  # what is granted is a name: what a link makes of it is not
        tenant, reference = of(home, f"file:{own}/{where}", tenant="other"), f"file:{own}/{where}"
    else:
        tenant, reference = of(home), f"file:{where}"
    with pytest.raises(Refused, match=why):
        tenant.value(reference)


def test_no_secret_is_shown_with_what_leads_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HINOMI_AOZORA__KEY", "hunter2")
    bound = TenantSecrets("aozora", Path("/home"))
    assert bound.value("env:HINOMI_AOZORA__KEY") == b"hunter2"
    assert "hunter2" not in repr(bound)


def test_what_is_no_text_is_no_password(home: Path) -> None:
    (home / "secrets" / "aozora" / "key").write_bytes(b"\xff")
    assert of(home).value("file:key") == b"\xff"
    with pytest.raises(Refused, match="is no text in UTF-8"):
        of(home).text("file:key")


def test_what_is_granted_is_granted_word_for_word_and_to_one_tenant(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("outside\n")
    assert of(home, f"file:{file}").value(f"file:{file}") == b"outside"
    for tenant, reference in ((of(home), f"file:{file}"), (of(home, f"file:{file}"), f"file:{tmp_path}/./key")):
        with pytest.raises(Refused, match=r"grants|'\.'"):
            tenant.value(reference)
    assert of(home, "profile:b").profile("b") == "b"
    assert of(home).profile("") == ""
    for name in ("b", "B", "b ", " b"):
        with pytest.raises(Refused, match="grants"):
            of(home, "profile:bb", "context:b").profile(name)
    with pytest.raises(Refused, match="grants"):
        of(home, "profile:b").context("b")


def test_every_variable_is_of_one_tenant_at_most() -> None:
    rests = ("X", "FOOD__X", "_X", "B__C__X", "B_C__X", "FOOD2__X")
    names = {prefix_of(tenant) + rest for tenant in TENANTS for rest in rests}
    for name in names:
        owners = [tenant for tenant in TENANTS if not TenantSecrets(tenant, Path()).why_not(f"env:{name}")]
        assert len(owners) == 1, (name, owners)
    values = {"HINOMI_AOZORA_FOOD__X": "food's", "HINOMI_AOZORA__X": "aozora's"}
    aozora, food = (TenantSecrets(tenant, Path(), environment=values) for tenant in ("aozora", "aozora-food"))
    assert (aozora.value("env:HINOMI_AOZORA__X"), food.value("env:HINOMI_AOZORA_FOOD__X")) == (b"aozora's", b"food's")
    for name in ("HINOMI_AOZORA_FOOD__X", "HINOMI_AOZORA_FOOD_X", "HINOMI_AOZORA__", "hinomi_aozora__X", "PATH"):
        with pytest.raises(Refused, match="grants"):
            aozora.value(f"env:{name}")
    with pytest.raises(Refused, match="is not set"):
        aozora.value("env:HINOMI_AOZORA__Y")


def test_no_variable_of_the_program_itself_looks_like_a_tenant_s() -> None:
    nodes = (one for file in SOURCES for one in ast.walk(ast.parse(file.read_text("utf-8"))))
    texts = [one.value for one in nodes if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    own = {text for text in texts if text.startswith("HINOMI_") and text.isidentifier()}
    assert {"HINOMI_TOKEN", "HINOMI_HOME"} <= own
    assert not [name for name in own if "__" in name]


def test_what_belongs_to_no_tenant_leads_nowhere() -> None:
    for reference in ("env:PATH", "env:HINOMI___X", "file:/etc/hostname", "file:x", "profile:x"):
        with pytest.raises(Refused, match="belongs to no tenant"):
            UNBOUND.value(reference)


def test_the_installation_s_own_secrets_are_read_for_its_sign_in_and_its_own_channels_only(home: Path) -> None:
    assert secret(f"file:{home}/secrets/midori/key") == b"midori's"
    users = [
        str(file.relative_to(ROOT))
        for file in SOURCES
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "pipeline.secrets"
        if "secret" in {alias.name for alias in node.names}
    ]
    assert sorted(users) == ["pipeline/access/openid_sign_in.py", "pipeline/notifying/reminding.py"]
