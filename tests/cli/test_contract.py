"""A contract by its commands: taken over with the first file, recorded by people, shown on a day."""

import hashlib
import json
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bench.people import tokens
from catalog import access
from catalog.folder import config_folder
from cli.main import main
from contract.days import day_of
from model.canonical import instant
from model.person import HOST, Actor
from pipeline.access.authorization import Authorizer, NotAllowed
from pipeline.clock import SystemClock
from pipeline.installation import open_home
from tests.data.kept_home.make import HERE
from tests.passwords import QUICK
from tests.suspensions import proposed

CONTRACT = "contract: {start: 2026-01-01, options: [standing-orders]}\n"
REST = """\
tenant: aozora
name: {en: Aozora, ja: 青空}
scopes: [{aws: "123456789012", regions: [ap-northeast-1]}]
"""
Run = Callable[..., tuple[int, str, str]]
FILE = Path("tenants") / "aozora.sqlite"


def today(ago: int = 0) -> str:
    """Return the day in Japan, or one so many days ago."""
    return (day_of(SystemClock().now()) - timedelta(days=ago)).isoformat()


@pytest.fixture
def hinomi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return what runs a command by a token, in a home that is named by the environment."""
    monkeypatch.setenv("HINOMI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object, token: str = "") -> tuple[int, str, str]:
        monkeypatch.setenv("HINOMI_TOKEN", token)
        with pytest.raises(SystemExit) as ended:
            main([str(one) for one in arguments])
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out.strip(), err.strip()

    return run


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def written(text: str, name: str = "record.yaml") -> Path:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return written


@pytest.fixture
def crew(hinomi: Run, write: Callable[..., Path], tmp_path: Path) -> dict[str, str]:
    """Return the tokens of a contract manager and a SOC lead of a tenant that was applied with one file."""
    assert hinomi("init")[0] == 0
    assert hinomi("apply", write(CONTRACT + REST, "aozora.yaml"))[0] == 0
    return tokens(tmp_path / "home", "aozora", {"mori": "contract-manager", "rin": "lead", "sora": "lead"}, QUICK)


def shown(hinomi: Run, *more: str) -> dict[str, Any]:
    status, out, _ = hinomi("contract", "show", "aozora", "--format", "json", *more)
    assert status == 0
    return {name: one["value"] if isinstance(one, dict) else one for name, one in json.loads(out).items()}


@pytest.mark.article(2, 7, 8)
def test_a_new_customer_begins_with_one_file_and_one_command(
    hinomi: Run, crew: dict[str, str], write: Callable[..., Path]
) -> None:
    found = shown(hinomi, "--on", "2026-06-01")
    (odd,) = found.pop("to_look_at")
    assert "the contract begins on 2026-01-01, before it was recorded" in odd["en"]
    assert found == {
        "tenant": "aozora", "on": "2026-06-01", "state": "running", "entitled": True, "billable": True,
        "menus": ["base", "standing-orders"], "licence": "unknown", "first_day": "2026-01-01", "last_day": "2026-12-31",
        "notice_safe_by": "2026-11-29", "notice_latest": "2026-11-30", "invoice_by": "2026-01-31", "due": "2026-02-28",
    }  # fmt: skip
    assert shown(hinomi, "--on", "2025-12-31")["state"] == "not begun"
    assert shown(hinomi, "--on", "2027-01-01")["first_day"] == "2027-01-01"
    english, japanese = (
        hinomi("contract", "show", "aozora", "--on", "2026-06-01", "--language", one)[1] for one in ("en", "ja")
    )
    assert (
        english.splitlines()[2]
        == "It renews unless notice comes by 2026-11-29; until 2026-11-30 a person decides (Article 7(2))"
    )
    assert japanese.splitlines()[1] == "契約期間：2026-01-01から2026-12-31まで（初日と最終日を含む、第7条）"
    # The file may say the same again, or nothing.
    assert "nothing changes" in hinomi("apply", write(CONTRACT + REST, "aozora.yaml"))[1]
    assert hinomi("apply", write(REST, "aozora.yaml"))[0] == 0
    assert shown(hinomi, "--on", "2026-06-01")["menus"] == ["base", "standing-orders"]
    assert hinomi("audit", "verify", "aozora") == (0, "aozora: ok", "")


@pytest.mark.parametrize(
    ("contract", "keys"),
    [
        ("contract: {start: 2026-02-01, options: [standing-orders]}", "start"),
        ("contract: {start: 2026-01-01, last_day: 2026-06-30}", "last_day, options"),
        ("contract: {start: 2026-01-01, options: [standing-orders], customer_approves: true}", "customer_approves"),
        (f"{CONTRACT.rstrip()[:-1]}, suspended: [{{first_day: 2026-05-01, reason: r}}]}}", "suspended"),
    ],
)  # fmt: skip
def test_a_file_that_says_something_else_is_refused_with_the_command(
    hinomi: Run, crew: dict[str, str], write: Callable[..., Path], contract: str, keys: str
) -> None:
    status, out, refused = hinomi("apply", write(f"{contract}\n{REST}", "aozora.yaml"))
    assert (status, out, refused.count("\n")) == (2, "", 0)
    assert f"'contract' ({keys}) is not what was taken over" in refused
    assert "`hinomi contract record aozora FILE`" in refused
    assert shown(hinomi, "--on", "2026-06-01")["menus"] == ["base", "standing-orders"]


def test_a_new_tenant_without_a_contract_is_refused(hinomi: Run, write: Callable[..., Path]) -> None:
    hinomi("init")
    status, _, refused = hinomi("apply", write(REST, "aozora.yaml"))
    assert (status, refused.count("\n")) == (2, 0)
    assert "aozora is a new tenant: say under 'contract' when its contract starts" in refused


@pytest.mark.article(2, 5)
def test_records_change_what_holds_from_their_day_on(
    hinomi: Run, crew: dict[str, str], write: Callable[..., Path]
) -> None:
    form = write("the customer's application", "form.txt")
    item = write("item: {item: own-policies, first_day: 2099-12-01}\n")
    assert hinomi("contract", "record", "aozora", item, "--evidence", form, token=crew["mori"])[:2] == (
        0, "aozora: record 7, effective from 2099-12-01",
    )  # fmt: skip
    assert shown(hinomi, "--on", "2099-12-31")["menus"] == ["base", "standing-orders"], "it was not accepted"
    accepted = write("acceptance: {of: 7}\neffective: 2099-12-05\n")
    assert hinomi("contract", "record", "aozora", accepted, token=crew["mori"])[0] == 0
    assert [shown(hinomi, "--on", day)["menus"] for day in ("2099-12-04", "2099-12-05")] == [
        ["base", "standing-orders"], ["base", "own-policies", "standing-orders"],
    ]  # fmt: skip
    assert hinomi("audit", "verify", "aozora")[0] == 0


@pytest.mark.article(11)
def test_a_suspension_is_judged_by_a_lead_and_lifted(
    hinomi: Run, crew: dict[str, str], write: Callable[..., Path]
) -> None:
    flood = write(
        f"suspension: {{since: {today()}, until: 2099-12-31, scope: service, reason: logs flood the service}}\n"
    )
    assert "mori may not suspend the service" in hinomi("contract", "record", "aozora", flood, token=crew["mori"])[2]
    assert hinomi("contract", "record", "aozora", flood, token=crew["rin"])[0] == 0
    assert shown(hinomi)["state"] == "suspended"
    assert (shown(hinomi)["entitled"], shown(hinomi)["billable"]) == (False, True)
    status, _, refused = hinomi("scan", "aozora")
    assert status == 2
    assert "logs flood the service" in refused
    lifted = write("judgement: {of: 7, decision: lifted, reason: the source was fixed}\n")
    assert hinomi("contract", "record", "aozora", lifted, token=crew["rin"])[0] == 0
    assert shown(hinomi)["state"] != "suspended"


def test_what_is_effective_before_now_needs_a_second_person(
    hinomi: Run, crew: dict[str, str], write: Callable[..., Path]
) -> None:
    flood = write(
        f"suspension: {{since: {today(ago=3)}, until: 2099-12-31, scope: service, reason: logs flood the service}}\n"
    )
    status, out, _ = hinomi("contract", "record", "aozora", flood, token=crew["rin"])
    assert (status, shown(hinomi)["state"], shown(hinomi)["waiting"]) == (0, "running", [7])
    assert "somebody else has to confirm it (judgement of 7, confirmed)" in out
    assert f"{today(ago=3)} 00:00 to " in out
    assert (
        ", look: was allowed (Article 7(1)), would have been refused (Article 11); it stays as it was decided." in out
    )
    word = write("judgement: {of: 7, decision: confirmed, reason: I have seen the meters}\n")
    status, _, refused = hinomi("contract", "record", "aozora", word, token=crew["rin"])
    assert (status, "was recorded late by rin; somebody else has to confirm it" in refused) == (2, True)
    assert "mori may not suspend" in hinomi("contract", "record", "aozora", word, token=crew["mori"])[2]
    assert hinomi("contract", "record", "aozora", word, token=crew["sora"])[0] == 0
    assert shown(hinomi)["state"] == "suspended"
    assert "waiting" not in shown(hinomi)
    rows = [json.loads(line) for line in hinomi("contract", "records", "aozora", "--format", "jsonl")[1].splitlines()]
    assert [(row["number"], row["person"], row["late"], row["waits"]) for row in rows[-2:]] == [
        (7, "rin", True, False), (8, "sora", False, False),
    ]  # fmt: skip


@pytest.mark.article(3)
def test_what_is_rejected_waits_no_more_and_never_counts(
    hinomi: Run, crew: dict[str, str], write: Callable[..., Path]
) -> None:
    late = write(f"licence: {{product: cloud-security-product, first_day: {today(ago=9)}, last_day: {today(ago=1)}, "
                 f"checked_on: {today()}}}\n")  # fmt: skip
    paper = ("--evidence", write("a certificate", "certificate.txt"))
    assert "add it with --evidence" in hinomi("contract", "record", "aozora", late, token=crew["mori"])[2]
    assert hinomi("contract", "record", "aozora", late, *paper, token=crew["mori"])[0] == 0
    assert hinomi("contract", "licence", "aozora", "--format", "jsonl")[1].endswith('"state":"waiting"}')
    word = write("judgement: {of: 7, decision: rejected, reason: another company's}\n")
    assert hinomi("contract", "record", "aozora", word, token=crew["rin"])[0] == 0
    assert (shown(hinomi)["licence"], "waiting" in shown(hinomi)) == ("unknown", False)


def test_what_was_taken_over_oddly_is_listed_until_a_person_has_looked(
    hinomi: Run, crew: dict[str, str], write: Callable[..., Path]
) -> None:
    assert len(shown(hinomi)["to_look_at"]) == 1
    word = write("judgement: {of: 1, decision: confirmed, reason: as on paper}\n")
    assert hinomi("contract", "record", "aozora", word, token=crew["rin"])[0] == 0
    assert "to_look_at" not in shown(hinomi)


def test_once_somebody_accepts_contracts_the_shell_alone_begins_none(
    hinomi: Run, crew: dict[str, str], write: Callable[..., Path], tmp_path: Path
) -> None:
    other = write((CONTRACT + REST).replace("aozora", "midori"), "midori.yaml")
    status, _, refused = hinomi("apply", other)
    assert (status, refused.count("\n")) == (2, 0)
    assert "a new tenant is applied by a contract-manager" in refused
    assert "there is no tenant 'midori'" in hinomi("tenants", "show", "midori")[2]
    assert hinomi("apply", "--dry-run", other)[0] == 0
    assert hinomi("apply", write(REST + "language: en\n", "aozora.yaml"))[0] == 0, "one that is known"
    assert "may not add or change" in hinomi("apply", other, token=crew["mori"])[2], "mori is bound to aozora"
    for actor, may in ((Actor("kei", ("contract-manager",), "all"), True), (HOST, False)):
        authorizer = Authorizer(open_home(tmp_path / "home"), access.load(config_folder()), actor, SystemClock())
        with nullcontext() if may else pytest.raises(NotAllowed, match="a new tenant is applied by"):
            authorizer.accept_new()


def test_tenants_are_listed_with_their_editions(hinomi: Run, crew: dict[str, str], write: Callable[..., Path]) -> None:
    assert hinomi("apply", write(REST + "language: en\n", "aozora.yaml"))[0] == 0
    (row,) = (json.loads(line) for line in hinomi("tenants", "list", "--format", "jsonl")[1].splitlines())
    assert (row["tenant"], row["state"], row["accounts"], row["options"]) == (
        "aozora", "running", ["123456789012"], ["standing-orders"],
    )  # fmt: skip
    assert "契約期間中です" in hinomi("tenants", "list", "--language", "ja")[1]
    shown = json.loads(hinomi("tenants", "show", "aozora", "--format", "json")[1])
    assert shown == {key: value for key, value in row.items() if key != "state"}
    rows = [json.loads(line) for line in hinomi("tenants", "editions", "aozora", "--format", "jsonl")[1].splitlines()]
    assert [(one["number"], one["person"]) for one in rows] == [(1, "operator@host"), (2, "operator@host")]
    assert rows[1]["changed"] == ["contract", "language"]
    for command, word in (
        (("list",), "aozora"),
        (("show", "aozora"), "renewed year by year"),
        (("editions", "aozora"), "language"),
    ):
        assert word in hinomi("tenants", *command)[1]


@pytest.mark.article(2, 3)
def test_the_menu_and_the_licence_are_listed(hinomi: Run, crew: dict[str, str]) -> None:
    rows = [json.loads(line) for line in hinomi("contract", "options", "aozora", "--format", "jsonl")[1].splitlines()]
    assert {row["item"]: row["has"] for row in rows} == {
        "base": True, "function-code": False, "own-policies": False, "standing-orders": True,
    }  # fmt: skip
    assert "包括承認" in hinomi("contract", "options", "aozora", "--language", "ja")[1]
    assert "no licence is on record" in hinomi("contract", "licence", "aozora")[1]
    assert "standing-orders" in hinomi("contract", "records", "aozora")[1]


@pytest.mark.article(11)
def test_a_suspension_that_says_no_scope_is_of_the_logs_alone(
    hinomi: Run, crew: dict[str, str], write: Callable[..., Path]
) -> None:
    flood = write(f"suspension: {{since: {today()}, reason: logs flood the service}}\n")
    assert hinomi("contract", "record", "aozora", flood, token=crew["rin"])[0] == 0
    said = hinomi("contract", "show", "aozora")[1]
    assert "aozora, " in said
    assert "is running" in said
    assert "the taking in of monitoring logs is suspended until further notice: logs flood the service" in said
    assert "監視ログの受け入れは当面の間停止中です" in hinomi("contract", "show", "aozora", "--language", "ja")[1]
    assert shown(hinomi)["billable"] is True


def test_the_shell_alone_records_nothing(hinomi: Run, crew: dict[str, str], write: Callable[..., Path]) -> None:
    flood = write(f"suspension: {{since: {today()}, scope: service, reason: logs flood the service}}\n")
    status, out, refused = hinomi("contract", "record", "aozora", flood)
    assert (status, out, refused.count("\n")) == (2, "", 0)
    assert "operator@host may not suspend the service" in refused


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("item: {item: own-policies, first_day: 2026-02-30}\n", ":1:"),
        ("item: {item: coffee, first_day: 2099-12-01}\n", "has no item 'coffee'"),
        ("item: {item: own-policies, first_day: 2025-12-01}\n", "is effective before the contract"),
        ("item: {item: base, first_day: 2099-12-01}\n", "overlaps with the record 3"),
        ("order: {start: 2099-12-01}\n", "an order is on record already"),
        ("coffee: {item: base}\n", "record.yaml:1:"),
        ("order: {start: 2099-12-01}\nitem: {item: base, first_day: 2099-12-01}\n", "holds 2 records"),
        ("effective: 2099-12-01\n", "holds 0 records"),
        ("acceptance: {of: 1}\neffective: 2099-13-01\n", "is no day and no moment"),
        ("licence: {product: Shield, first_day: 2099-12-01}\n", "last_day"),
        ("- a\n", "record.yaml:1:"),
    ],
)
def test_what_cannot_be_recorded_is_one_line(
    hinomi: Run, crew: dict[str, str], write: Callable[..., Path], text: str, problem: str
) -> None:
    status, out, refused = hinomi("contract", "record", "aozora", write(text), token=crew["mori"])
    assert (status, out, refused.startswith("hinomi: ")) == (2, "", True)
    assert problem in refused
    assert "Traceback" not in refused
    assert hinomi("audit", "verify", "aozora")[0] == 0
    assert shown(hinomi, "--on", "2099-12-31")["menus"] == ["base", "standing-orders"]


def test_evidence_that_is_not_there_records_nothing(
    hinomi: Run, crew: dict[str, str], write: Callable[..., Path], tmp_path: Path
) -> None:
    item = write("item: {item: own-policies, first_day: 2099-12-01}\n")
    missing = ("--evidence", tmp_path / "none.pdf")
    status, _, refused = hinomi("contract", "record", "aozora", item, *missing, token=crew["mori"])
    assert (status, "none.pdf: cannot be read" in refused) == (2, True)
    assert hinomi("contract", "record", "aozora", item, token=crew["mori"])[1].startswith("aozora: record 7,")


def documents(home: Path) -> dict[int, dict[str, object]]:
    with closing(sqlite3.connect(home / FILE)) as connection:
        return {n: json.loads(text) for n, text in connection.execute("SELECT number, document FROM contract_record")}


def test_evidence_is_kept_by_name_and_hash(
    hinomi: Run, crew: dict[str, str], write: Callable[..., Path], tmp_path: Path
) -> None:
    found = documents(tmp_path / "home")
    whole = hashlib.sha256((CONTRACT + REST).encode()).hexdigest()
    assert {json.dumps(one["evidence"], sort_keys=True) for one in found.values()} == {
        json.dumps({"file": "aozora.yaml", "sha256": whole}, sort_keys=True)
    }
    assert {one["taken_over"] for one in found.values()} == {True}


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE contract_record SET document = replace(document, 'standing-orders', 'own-policies')",
        "DELETE FROM contract_record WHERE number = 5",
        "UPDATE contract_record SET number = 99 WHERE number = 6",
        "INSERT INTO contract_record SELECT 7, document FROM contract_record WHERE number = 6",
    ],
)
def test_a_record_that_was_edited_is_named_and_decides_nothing(
    hinomi: Run, crew: dict[str, str], tmp_path: Path, edit: str
) -> None:
    with closing(sqlite3.connect(tmp_path / "home" / FILE)) as connection:
        connection.execute(edit)
        connection.commit()
    status, out, _ = hinomi("audit", "verify", "aozora")
    assert status == 1
    assert "of its contract is not the one that was recorded" in out
    status, _, refused = hinomi("scan", "aozora")
    assert (status, "the contract cannot be trusted" in refused) == (2, True)


def test_a_backup_carries_the_records(
    hinomi: Run, crew: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = documents(tmp_path / "home")
    assert hinomi("backup", tmp_path / "all.zip")[0] == 0
    monkeypatch.setenv("HINOMI_HOME", str(tmp_path / "again"))
    assert hinomi("restore", tmp_path / "all.zip")[0] == 0
    assert documents(tmp_path / "again") == before
    assert hinomi("audit", "verify", "aozora")[0] == 0


def test_an_upgrade_takes_over_what_was_applied_before(hinomi: Run, tmp_path: Path) -> None:
    with zipfile.ZipFile(HERE / "home.zip") as kept:
        kept.extractall(tmp_path / "home")
    out = hinomi("upgrade")[1]
    assert "aozora: its contract is on record as its file says" in out
    assert shown(hinomi, "--on", "2026-06-01")["menus"] == ["base", "standing-orders"]
    assert "on record" not in hinomi("upgrade")[1]
    assert len({str(one["recorded_at"]) for one in documents(tmp_path / "home").values()}) == 1
    assert hinomi("audit", "verify", "aozora")[0] == 0


@pytest.mark.article(11)
def test_a_proposed_suspension_is_listed_confirmed_shown_and_lifted(
    hinomi: Run, crew: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = proposed(open_home(tmp_path / "home"), "aozora", instant(SystemClock().now()))
    [row] = [json.loads(line) for line in hinomi("suspension", "list", "aozora", "--format", "jsonl")[1].splitlines()]
    assert (row["id"], row["state"], row["reason"]) == (case, "open", "waiting")
    confirm = ("suspension", "confirm", "aozora", "--reason", "agreed by telephone")
    assert "operator@host may not suspend the service" in hinomi(*confirm)[2]
    assert "mori may not suspend the service" in hinomi(*confirm, token=crew["mori"])[2]
    assert hinomi(*confirm, "--scope", "service", token=crew["rin"])[0] == 0
    assert "confirmed already" in hinomi(*confirm, token=crew["rin"])[2]
    assert shown(hinomi)["state"] == "suspended"
    monkeypatch.setenv("COLUMNS", "80")
    listed = hinomi("suspension", "list", "aozora")[1]
    assert "suspended, 0 records a minute are let in" in listed
    assert max(map(len, listed.splitlines())) <= 80
    said = hinomi("suspension", "show", "aozora", case)[1]
    assert "rin: confirmed" in said
    assert "state: in force" in said
    page = tmp_path / "page.html"
    assert hinomi("suspension", "show", "aozora", case, "--page", str(page), "--language", "ja")[0] == 0
    assert "大量ログによる停止" in page.read_text("utf-8")
    assert hinomi("suspension", "lift", "aozora", "--reason", "it ended", token=crew["rin"])[0] == 0
    assert shown(hinomi)["state"] == "running"
    assert "is not suspended" in hinomi("suspension", "lift", "aozora", "--reason", "again", token=crew["rin"])[2]
    assert hinomi("suspension", "show", "aozora", "0" * 16)[0] == 2
    assert hinomi("audit", "verify", "aozora")[0] == 0


@pytest.mark.article(11)
def test_a_customer_reads_the_criteria_beforehand(
    hinomi: Run, crew: dict[str, str], write: Callable[..., Path]
) -> None:
    said = json.loads(hinomi("suspension", "criteria", "aozora", "--format", "json")[1])
    numbers = {one["key"]: (one["value"], one["layer"]) for one in said["settings"]}
    assert numbers["suspension.massive_percent"] == (300, "default")
    own = write("setting: {key: suspension.massive_percent, value: 500}\n")
    assert hinomi("contract", "record", "aozora", own, token=crew["mori"])[0] == 0
    text = hinomi("suspension", "criteria", "aozora")[1]
    assert "A minute is massive with more than 500 % of c" in text
    assert "suspension.massive_percent: 500 %" in text
    assert "Individual conditions, record 7" in text or "individual conditions, record 7" in text
    assert "1分間の件数がcの500％を超えると" in hinomi("suspension", "criteria", "aozora", "--language", "ja")[1]
