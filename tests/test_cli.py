"""The commands as people and machines use them, on the demonstration's company."""

import json
import re
from pathlib import Path

import pytest

from catalog.folder import config_folder
from cli.main import main
from clouds.emulator import Emulator
from tests.servers import denying_proxy

REGIONS = ("--region", "ap-northeast-1", "--region", "us-east-1")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0), capsys.readouterr().out


def lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_check_prints_one_line_for_each_policy_and_resource(
    company: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out = run(capsys, "check", "aws", "--format", "jsonl", *REGIONS)
    found = lines(out)
    assert status == 0
    keys = [(line["policy"], line["resource"], line["region"]) for line in found]
    assert len(set(keys)) == len(keys) > 100
    assert {line["status"] for line in found} == {"pass", "fail", "not_applicable"}
    assert all(set(line) <= {"policy", "kind", "resource", "name", "region", "status", "elements"} for line in found)
    failed = [line for line in found if line["policy"] == "aws.ec2.rdp-open-to-internet" and line["status"] == "fail"]
    assert sorted(line["name"] != "" for line in failed) == [True, True]
    assert failed[0]["elements"]


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
    file = str(config_folder() / "example" / "demo-tenant.yaml")
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


def test_a_changed_tenant_file_shows_its_difference(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    home = ("--home", str(tmp_path / "home"))
    file = tmp_path / "t.yaml"
    text = (config_folder() / "example" / "demo-tenant.yaml").read_text(encoding="utf-8")
    file.write_text(text, encoding="utf-8")
    run(capsys, "init", *home)
    run(capsys, "apply", str(file), *home)
    file.write_text(text.replace("2026-04-01", "2026-05-01"), encoding="utf-8")
    assert "~ contract.start: 2026-04-01 -> 2026-05-01" in run(capsys, "apply", str(file), *home)[1]


def test_the_catalog_lists_every_policy_and_type(capsys: pytest.CaptureFixture[str]) -> None:
    entries = lines(run(capsys, "catalog", "list", "--format", "jsonl")[1])
    whats = [entry["what"] for entry in entries]
    assert whats.count("policy") >= 30
    assert whats.count("type") >= 14
    assert whats.count("channel") == 3
    assert all(entry["id"] and entry["provider"] for entry in entries)
    assert "every case is judged as its author expects" in run(capsys, "catalog", "test")[1]


@pytest.mark.parametrize("format_", ["json", "cloudformation", "terraform"])
def test_permissions_are_printed(capsys: pytest.CaptureFixture[str], format_: str) -> None:
    status, out = run(capsys, "permissions", "aws", "--format", format_)
    assert status == 0
    assert "s3:GetBucketPolicy" in json.dumps(json.loads(out))
