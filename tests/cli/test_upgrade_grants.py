"""`hinomi upgrade` grants each tenant what its file referred to before, once, and leaves what people wrote as it is."""

from pathlib import Path

import msgspec
import pytest

from catalog.form import convert
from catalog.yaml_reader import parse, read
from model.fault import Refused
from model.tenant import AwsScope, Channel, Tenant
from pipeline.installation import grant, open_home, settings
from pipeline.world import secrets_in
from tests.commands import said as run
from tests.tenant_text import TENANT

HOOK = {"url": "https://x.example", "secret": "env:SOC"}
MAIL = {"host": "m.example", "sender": "a@b.example", "recipients": ["c@d.example"], "ca_file": "/etc/ca.pem"}
USED = ["env:SOC", "file:/etc/ca.pem", "profile:customer-a"]
PRINTED = "aozora: granted in installation.yaml: env:SOC, file:/etc/ca.pem, profile:customer-a"
AT = "2026-06-01T00:00:00.000000Z"


def old(id_: str) -> Tenant:
    plain = convert(parse(TENANT.replace("tenant: aozora", f"tenant: {id_}").encode(), "t"), Tenant)
    own = Channel("own", "webhook", settings=HOOK | {"secret": f"env:HINOMI_{id_.upper()}__KEY"})
    sending = [Channel("soc", "webhook", settings=HOOK), Channel("mail", "email", settings=MAIL), own]
    return msgspec.structs.replace(plain, scopes=[AwsScope("123456789012", profile="customer-a")], channels=sending)


@pytest.fixture
def home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """Return a home of before, whose tenant's file refers to what nobody has granted."""
    folder = tmp_path / "home"
    run(capsys, "init", "--home", str(folder))
    open_home(folder).apply("aozora", msgspec.to_builtins(old("aozora")), AT, "p")
    return folder


def test_what_was_in_use_is_granted_and_printed_once(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, there = home / "installation.yaml", ("--home", str(home))
    before = file.read_text("utf-8")
    assert secrets_in(home)(old("aozora")).why_not("env:SOC").endswith("run `hinomi upgrade`")
    status, out, err = run(capsys, "upgrade", *there)
    assert (status, out.splitlines()[-1], err) == (0, PRINTED, [])
    assert file.read_text("utf-8").startswith(before)
    assert settings(home).grants == {"aozora": USED}
    assert [secrets_in(home)(old("aozora")).why_not(one) for one in USED] == ["", "", ""]
    assert secrets_in(home)(old("midori")).why_not("env:SOC")
    after = file.read_bytes()
    assert run(capsys, "upgrade", *there)[1] == "0 stores were upgraded; all are of this version.\n"
    assert file.read_bytes() == after
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("", {"aozora": USED}),
        ("workers: 3", {"aozora": USED}),
        ("workers: 3  # three\n\n# the end\n", {"aozora": USED}),
        ("grants: {}\nworkers: 3\n", {"aozora": USED}),
        ("grants: {midori: ['env:A']}\nworkers: 3\n", {"aozora": USED, "midori": ["env:A"]}),
        ("grants:\n    midori:   # theirs\n    - 'env:A'\nworkers: 3\n", {"aozora": USED, "midori": ["env:A"]}),
        (
            "workers: 3\ngrants:\n  # both\n  midori: ['env:A']\n  sora: []",
            {"aozora": USED, "midori": ["env:A"], "sora": []},
        ),
    ],
)
def test_what_people_wrote_stays(
    home: Path, capsys: pytest.CaptureFixture[str], written: str, expected: dict[str, list[str]]
) -> None:
    file = home / "installation.yaml"
    file.write_text(written, encoding="utf-8")
    file.chmod(0o640)
    assert PRINTED in run(capsys, "upgrade", "--home", str(home))[1]
    assert settings(home).grants == expected
    assert settings(home).workers == (3 if "workers" in written else 2)
    left = iter(file.read_text("utf-8").splitlines())
    if "{" not in written:
        assert all(line in left for line in written.splitlines()), "every line stands there, in its order"
    assert file.stat().st_mode & 0o777 == 0o640


def test_what_people_have_taken_away_is_not_granted_again(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = home / "installation.yaml"
    file.write_text("grants: {aozora: ['env:SOC']}\n", encoding="utf-8")
    out = run(capsys, "upgrade", "--home", str(home))[1]
    assert out.splitlines()[-1] == (
        "aozora: not granted in installation.yaml, so nothing: file:/etc/ca.pem, profile:customer-a"
    )
    assert file.read_text("utf-8") == "grants: {aozora: ['env:SOC']}\n"


def test_a_file_that_cannot_be_added_to_stays_and_the_lines_are_said(home: Path) -> None:
    file = home / "installation.yaml"
    file.write_text("{workers: 3}\n", encoding="utf-8")
    with pytest.raises(Refused, match=r"write under 'grants': aozora: \[\"env:A\"\]"):
        grant(home, {"aozora": ["env:A"]})
    assert read(file).value == {"workers": 3}
