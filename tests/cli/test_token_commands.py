"""The commands about tokens, as people who have signed in and machines run them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.people import tokens
from cli.main import main
from tests.passwords import QUICK

TENANT = """\
tenant: aozora
name: {en: Aozora, ja: 青空}
contract: {start: 2026-01-01}
scopes: [{aws: "123456789012", regions: [ap-northeast-1]}]
"""
Run = Callable[..., tuple[int, str, str]]
ISSUE = ("tokens", "machine", "issue", "aozora")
NIGHTLY = ("--label", "nightly", "--days", "30")


@pytest.fixture
def hinomi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return what runs a command by a token, in a home where tora, an operator, has signed in."""
    monkeypatch.setenv("HINOMI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str, token: str = "") -> tuple[int, str, str]:
        monkeypatch.setenv("HINOMI_TOKEN", token)
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out.strip(), err.strip()

    file = tmp_path / "aozora.yaml"
    file.write_text(TENANT, encoding="utf-8")
    assert run("init")[0] == 0
    assert run("apply", str(file))[0] == 0
    return run


@pytest.fixture
def tora(hinomi: Run, tmp_path: Path) -> str:
    return tokens(tmp_path / "home", "aozora", {"tora": "operator"}, QUICK)["tora"]


def test_a_machines_token_is_issued_listed_and_revoked(hinomi: Run, tora: str) -> None:
    status, machine, _ = hinomi(*ISSUE, "runs.read", "ci.nightly", *NIGHTLY, token=tora)
    assert (status, machine[:7]) == (0, "hinomi_")
    _, listed, _ = hinomi("tokens", "machine", "list", token=tora)
    head, row = (line.split() for line in listed.splitlines())
    assert head == ["id", "label", "action", "tenant", "source", "issued", "by", "expires"]
    assert row[1:6] == ["nightly", "runs.read", "aozora", "ci.nightly", "tora"]
    assert hinomi("whoami", token=machine)[1] == f"machine:{row[0]} (runs.read; tenants: aozora)"
    status, _, refused = hinomi("findings", "aozora", token=machine)
    assert (status, refused) == (
        2,
        f"hinomi: machine:{row[0]} may not see findings (a machine's token, for runs.read alone)",
    )
    assert hinomi("tokens", "machine", "revoke", "aozora", row[0], token=tora)[1] == f"{row[0]} is revoked."
    assert hinomi("tokens", "machine", "revoke", "aozora", row[0])[1] == f"{row[0]} was revoked before."
    assert f"revoked {row[6][:2]}" in hinomi("tokens", "machine", "list", "aozora")[1]
    assert hinomi("whoami", token=machine)[0] == 2


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((*ISSUE, "people.manage", "ci", *NIGHTLY), "no machine's token can be for 'people.manage'; it can be for"),
        ((*ISSUE, "findings.read", "ci", *NIGHTLY), "tora may not see findings (roles: operator)"),
        ((*ISSUE, "runs.read", "CI main", *NIGHTLY), "'CI main' is no id of a source: small letters"),
        ((*ISSUE, "runs.read", "ci", "--label", "machine", "--days", "9"), "needs a label that says what it is for"),
        (("tokens", "machine", "revoke", "aozora", "x"), "aozora has no machine's token 'x'; see"),
    ],
)
def test_what_does_not_fit_is_one_line(hinomi: Run, tora: str, arguments: tuple[str, ...], problem: str) -> None:
    status, out, refused = hinomi(*arguments, token=tora)
    assert (status, out, refused.count("\n")) == (2, "", 0)
    assert problem in refused


def test_the_shell_issues_nothing_and_a_further_token_neither(hinomi: Run, tora: str) -> None:
    further = hinomi("tokens", "issue", "ci", "--tenant", "aozora", "--days", "1", token=tora)[1]
    more = ("tokens", "issue", "more", "--tenant", "all", "--days", "366")
    for arguments in (more, (*ISSUE, "runs.read", "ci", *NIGHTLY)):
        for token in ("", further):
            status, out, refused = hinomi(*arguments, token=token)
            assert (status, out, refused.count("\n")) == (2, "", 0)
            assert "hinomi login" in refused


def test_who_loses_a_role_is_named_with_the_tokens_that_end(hinomi: Run, tora: str) -> None:
    hinomi("tokens", "issue", "ci", "--tenant", "aozora", token=tora)
    _, more, _ = hinomi("people", "change", "tora", "--role", "operator", "--role", "analyst")
    assert more == "tora: operator, analyst; tenants: aozora"
    _, less, _ = hinomi("people", "change", "tora", "--role", "analyst")
    assert less.splitlines() == [
        "tora: analyst; tenants: aozora",
        "Since a role or a tenant is gone, their tokens were revoked: 2. They sign in again.",
    ]


def test_signing_out_ends_what_the_sign_in_issued(hinomi: Run, tora: str, tmp_path: Path) -> None:
    from cli.context import token_file

    further = hinomi("tokens", "issue", "ci", "--tenant", "aozora", token=tora)[1]
    file = token_file(tmp_path / "home")
    file.parent.mkdir(parents=True)
    file.write_text(tora)
    _, said, _ = hinomi("logout")
    assert said.splitlines() == ["Signed out.", "Tokens that this sign-in had issued were revoked with it: 1."]
    assert hinomi("whoami", token=further)[0] == 2
