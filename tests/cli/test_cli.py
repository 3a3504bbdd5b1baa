"""The commands as people and machines use them, on the demonstration's company."""

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli.main import main
from demo.company import DATA
from demo.stand_ins.aws_emulator import Emulator
from model.clock import CONTRACT_ZONE
from tests.commands import lines, run, said
from tests.servers.http_servers import denying_proxy

QUEUE = "https://sqs.ap-northeast-1.amazonaws.com/123456789012/trail"
REGIONS = ("--region", "ap-northeast-1", "--region", "us-east-1")


def test_check_prints_one_line_for_each_policy_and_resource(
    company: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out = run(capsys, "check", "aws", "--format", "jsonl", *REGIONS)
    found = lines(out)
    assert status == 0
    keys = [(line["policy"], line["resource"], line["region"]) for line in found]
    assert len(set(keys)) == len(keys) > 100
    assert {line["status"] for line in found} == {"pass", "fail", "not_applicable"}
    known = {"policy", "kind", "resource", "name", "region", "status", "elements", "reason", "sources"}
    assert all(set(line) <= known for line in found)
    assert {line["status"] for line in found if "reason" in line} == {"not_applicable"}, "left to a policy of ours"
    failed = [line for line in found if line["policy"] == "aws.ec2.rdp-open-to-internet" and line["status"] == "fail"]
    assert sorted(line["name"] != "" for line in failed) == [True, True]
    assert failed[0]["elements"]


LOGS = "logs: no source is set up\n"


def test_peers_names_are_taken_and_repeated(company: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    name = "prowler:ec2_securitygroup_allow_ingress_from_internet_to_tcp_port_22"
    status, out = run(capsys, "check", "aws", "--format", "jsonl", "--policy", name, *REGIONS)
    assert status == 0
    assert {(line["policy"], line["asked"]) for line in lines(out)} == {("aws.ec2.ssh-open-to-internet", name)}


@pytest.mark.parametrize(
    ("arguments", "check"),
    [
        (("--service", "s3"), lambda line: line["policy"].split(".")[1] == "s3"),
        (("--severity", "critical"), lambda line: line["policy"] != "aws.ec2.ssh-open-to-internet"),
        (("--region", "us-east-1"), lambda line: line["region"] in ("us-east-1", "global")),
    ],
)
def test_filters(
    company: Emulator, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], check: object
) -> None:
    regions = () if "--region" in arguments else REGIONS
    found = lines(run(capsys, "check", "aws", "--format", "jsonl", *arguments, *regions)[1])
    assert found
    assert all(check(line) for line in found)  # type: ignore[operator]


def test_thresholds_and_the_moment_change_verdicts(
    company: Emulator, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("aws.ec2.ssh-open-to-internet: {port: 443}\n")
    arguments = ("check", "aws", "--format", "jsonl", "--policy", "aws.ec2.ssh-open-to-internet", *REGIONS)
    before = [line for line in lines(run(capsys, *arguments)[1]) if line["status"] == "fail"]
    after = [line for line in lines(run(capsys, *arguments, "--settings", str(file))[1]) if line["status"] == "fail"]
    assert {line["resource"] for line in before} != {line["resource"] for line in after}


def test_one_operation_denied_by_a_proxy_leaves_only_unknowns_and_exit_3(
    company: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def key(line: dict[str, object]) -> tuple[object, ...]:
        return line["policy"], line["resource"], line["region"], line["status"]

    before = {key(line) for line in lines(run(capsys, "check", "aws", "--format", "jsonl", *REGIONS)[1])}
    with denying_proxy(company.url, "Action=DescribeVolumes") as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        status, out = run(capsys, "check", "aws", "--format", "jsonl", *REGIONS)
    assert status == 3
    changed = [line for line in lines(out) if key(line) not in before]
    assert {(line["policy"], line["status"], line["reason"]) for line in changed} == {
        ("aws.ec2.ebs-volume-unencrypted", "unknown", "listing: ec2:DescribeVolumes AccessDenied")
    }


def test_the_table_names_what_is_wrong_and_what_is_unknown(
    company: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out = run(capsys, "check", "aws", "--service", "kms", "--language", "ja", *REGIONS)
    assert "重大度" in out
    assert re.search(r"\d+ failed, \d+ passed, 0 unknown, \d+ not applicable; 3 policies", out)


def test_the_way_of_a_tenant_from_file_to_report(
    company: Emulator, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    home = ("--home", str(tmp_path / "home"))
    file = str(DATA / "tenant.yaml")
    assert run(capsys, "init", *home)[0] == 0
    status, out = run(capsys, "apply", file, "--dry-run", *home)
    assert (status, "Applied" in out) == (0, False)
    assert "Applied as edition 1" in run(capsys, "apply", file, *home)[1]
    assert run(capsys, "apply", file, *home) == (0, "aozora-foods: nothing changes.\n")
    assert "No scan has come to its end yet" in run(capsys, "findings", "aozora-foods", *home)[1]
    with pytest.raises(SystemExit):
        main(["report", "aozora-foods", "-o", str(tmp_path / "r.html"), *home])
    assert "was not scanned yet" in capsys.readouterr().err
    status, out = run(capsys, "scan", "aozora-foods", *home)
    assert status == 0
    assert "coverage: everything was read" in out
    found = lines(run(capsys, "findings", "aozora-foods", "--format", "jsonl", *home)[1])
    assert len(found) == int(re.search(r"findings: (\d+) open", out)[1])  # type: ignore[index]
    assert "coverage: everything was read" in run(capsys, "findings", "aozora-foods", *home)[1]
    assert run(capsys, "audit", "verify", *home) == (0, "service: ok\naozora-foods: ok\n")
    assert run(capsys, "report", "aozora-foods", "-o", str(tmp_path / "r.html"), *home)[0] == 0
    assert "改善のご提案" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_findings_for_programs_have_their_coverage_on_standard_error(
    company: Emulator, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path
) -> None:
    home = ("--home", str(tmp_path / "home"))

    def findings(*arguments: str) -> tuple[bytes, str]:
        with pytest.raises(SystemExit) as ended:
            main(["findings", "aozora-foods", *arguments, *home])
        assert not ended.value.code
        said = capsysbinary.readouterr()
        return said.out, said.err.decode()

    for command in (["init"], ["apply", str(DATA / "tenant.yaml")]):
        with pytest.raises(SystemExit):
            main([*command, *home])
    capsysbinary.readouterr()
    nothing = "coverage: no scan has come to its end yet: nothing is known\n"
    assert findings("--format", "jsonl") == (b"", f"{nothing}coverage: nothing was scanned yet; {LOGS}")
    with denying_proxy(company.url, "Action=DescribeVolumes") as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        with pytest.raises(SystemExit):
            main(["scan", "aozora-foods", *home])
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    capsysbinary.readouterr()
    every = {name: findings("--format", name) for name in ("csv", "jsonl", "ocsf")}
    number = len(every["jsonl"][0].splitlines())
    assert number == len(every["ocsf"][0].splitlines()) > 30
    assert len(list(csv.reader(io.StringIO(every["csv"][0].decode("utf-8-sig"), newline="")))) == number + 1
    gaps = findings()[0].decode().count(" not read: ")
    for _, beside in every.values():
        assert re.fullmatch(
            rf"coverage: {gaps} gaps, which `hinomi findings aozora-foods` names; last scan \S+\n"
            rf"coverage: \d+\.\d % of the judgements could be made, {gaps} gaps; {LOGS}",
            beside,
        )
    assert gaps == 2
    assert "問題".encode() in findings("--format", "csv", "--language", "ja")[0]


def test_findings_of_a_past_day_and_suppressed_ones(
    company: Emulator, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    home = ("--home", str(tmp_path / "home"))

    def ids(*arguments: str) -> tuple[set[tuple[str, str]], str]:
        with pytest.raises(SystemExit) as ended:
            main(["findings", "aozora-foods", "--format", "ocsf", *arguments, *home])
        assert not ended.value.code
        said = capsys.readouterr()
        events = [json.loads(line) for line in said.out.splitlines()]
        return {(event["finding_info"]["uid"], event["status"]) for event in events}, said.err

    for command in (
        ["init"],
        ["apply", str(DATA / "tenant.yaml")],
        ["scan", "aozora-foods"],
    ):
        run(capsys, *command, *home)
    before, beside = ids()
    assert beside.startswith("coverage: everything was read; last scan ")
    assert "suppressed" not in beside
    run(
        capsys, "exceptions", "add", "aozora-foods", "--policy", "aws.kms.key-rotation-off", "--reason", "r",
        "--expires", (datetime.now(UTC) + timedelta(days=30)).date().isoformat(), *home,
    )  # fmt: skip
    today = datetime.now(CONTRACT_ZONE).date().isoformat()
    after, beside = ids()
    accepted = len(before) - len(after)
    assert (accepted > 0, after < before) == (True, True)
    assert f"{accepted} more are suppressed by exceptions: hinomi exceptions list aozora-foods" in beside
    assert ids("--on", today) == (after, beside)
    everything, beside = ids("--all")
    assert ({uid for uid, _ in everything}, "suppressed" in beside) == ({uid for uid, _ in before}, False)
    assert sum(status == "Suppressed" for _, status in everything) == accepted
    assert ids("--on", today, "--all") == (everything, beside)
    assert ids("--on", "2020-01-01", "--all") == (
        set(),
        "coverage: no scan had come to its end by then: nothing is known of that day\n"
        f"coverage: nothing was scanned yet; {LOGS}",
    )
    assert run(capsys, "findings", "aozora-foods", "--format", "xml", *home)[0] == 2
    tomorrow = (datetime.now(CONTRACT_ZONE) + timedelta(days=1)).date().isoformat()
    for command in (["findings", "aozora-foods"], ["assets", "list", "aozora-foods"]):
        with pytest.raises(SystemExit) as ended:
            main([*command, "--on", tomorrow, *home])
        assert (ended.value.code, capsys.readouterr().err[:31]) == (2, f"hinomi: {tomorrow} has not come")


def test_a_changed_tenant_file_shows_its_difference(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    home = ("--home", str(tmp_path / "home"))
    file = tmp_path / "t.yaml"
    text = (DATA / "tenant.yaml").read_text(encoding="utf-8")
    file.write_text(text, encoding="utf-8")
    run(capsys, "init", *home)
    run(capsys, "apply", str(file), *home)
    file.write_text(f"{text}language: en\n", encoding="utf-8")
    assert "~ language: ja -> en" in run(capsys, "apply", str(file), *home)[1]


def test_the_catalog_lists_every_policy_and_type(capsys: pytest.CaptureFixture[str]) -> None:
    entries = lines(run(capsys, "catalog", "list", "--format", "jsonl")[1])
    whats = [entry["what"] for entry in entries]
    assert whats.count("policy") >= 30
    assert whats.count("type") >= 14
    assert whats.count("channel") == 3
    assert all(entry["id"] and entry["provider"] for entry in entries)
    assert "every case is judged as its author expects" in run(capsys, "catalog", "test")[1]


def test_permissions_for_entra_id_and_clusters_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Directory.Read.All" in run(capsys, "permissions", "azure", "--format", "graph")[1].splitlines()
    reported = run(capsys, "permissions", "kubernetes", "--format", "json")[1]
    assert [role["metadata"]["name"] for role in json.loads(reported)] == ["hinomi-read", "hinomi-read-secret-names"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--logs", "x", "--bucket", "aozora-trail"), "'x' is no URL of an SQS queue"),
        (("--logs", QUEUE, "--bucket", "Aozora"), "'Aozora' is no name of an S3 bucket"),
        (("--logs", QUEUE), "--logs and --bucket go together"),
        (("--bucket", "aozora-trail"), "--logs and --bucket go together"),
        (("--logs", QUEUE, "--bucket", "aozora-trail", "--format", "terraform"), "is printed as json only"),
    ],
)
def test_what_is_no_place_of_logs_has_no_permissions(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], problem: str
) -> None:
    status, out, [line] = said(capsys, "permissions", "aws", *arguments)
    assert (status, out) == (2, "")
    assert problem in line


@pytest.mark.parametrize("format_", ["json", "cloudformation", "terraform"])
def test_permissions_are_printed(capsys: pytest.CaptureFixture[str], format_: str) -> None:
    status, out = run(capsys, "permissions", "aws", "--format", format_)
    assert status == 0
    assert "s3:GetBucketPolicy" in json.dumps(json.loads(out))
