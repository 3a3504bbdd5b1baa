"""Templates judged before anything of them exists: by file and line, without executing or fetching anything."""

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from pipeline.checkov_process import venv
from tests.hostile_files import YAML

FILES = {
    "network/main.tf": """
resource "aws_security_group" "office" {
  ingress {
    from_port   = 22
    to_port     = 22
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

module "elsewhere" {
  source = "git::https://example.invalid/modules.git"
}
""",
    "bucket.yaml": """
AWSTemplateFormatVersion: "2010-09-09"
Resources:
  Photos:
    Type: AWS::S3::Bucket
    Properties: {BucketName: aozora-photos}
""",
    "storage.json": json.dumps(
        {
            "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
            "contentVersion": "1.0.0.0",
            "resources": [
                {
                    "type": "Microsoft.Storage/storageAccounts",
                    "apiVersion": "2023-01-01",
                    "name": "aozora",
                    "location": "japaneast",
                    "properties": {"supportsHttpsTrafficOnly": False},
                }
            ],
        },
        indent=1,
    ),
    "k8s/pod.yaml": """
apiVersion: v1
kind: Pod
metadata: {name: photos, namespace: shop}
spec:
  hostPID: true
  containers:
  - {name: photos, image: "registry.example.co.jp/photos:1.4.2"}
""",
    "Dockerfile": "FROM debian:13\nUSER root\n",
}
EXPECTED = {
    ("checkov:CKV_AWS_24", "network/main.tf", 2),
    ("aws.checkov.s3-public-acls-accepted", "bucket.yaml", 4),
    ("azure.checkov.storage-plain-http-allowed", "storage.json", 5),
    ("kubernetes.checkov.host-processes-shared", "k8s/pod.yaml", 2),
    ("checkov:CKV_DOCKER_8", "Dockerfile", 2),
}


@pytest.fixture
def installed() -> None:
    if not (venv() / "bin" / "python").exists():
        assert os.environ.get("CI") != "true", "checkov is not installed: make checkov"
        pytest.skip("checkov is not installed: make checkov")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        file = tmp_path / "templates" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return tmp_path / "templates"


@pytest.mark.process
@pytest.mark.usefixtures("installed")
def test_faults_are_named_by_file_and_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ran(capsys, "check", "iac", str(folder), "--format", "jsonl")
    found = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert {(one["policy"], one["file"], one["line"]) for one in found} >= EXPECTED
    ours = next(one for one in found if one["policy"] == "kubernetes.checkov.host-processes-shared")
    assert (ours["severity"], ours["title"]["ja"]) == ("high", "PodがノードのプロセスID名前空間を共有している")
    assert {one["severity"] for one in found if one["policy"].startswith("checkov:")} == {None}


@pytest.mark.process
@pytest.mark.usefixtures("installed")
def test_what_cannot_be_parsed_is_named_and_the_rest_is_judged(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "broken.tf").write_text('resource "aws_s3_bucket" "b" {', "utf-8")
    (folder / "broken.yaml").write_text("a: 1\nb: [1}\n", "utf-8")
    (folder / ".git").mkdir()
    (folder / ".git" / "no-template.json").write_text("{", "utf-8")
    code, out, err = ran(capsys, "check", "iac", str(folder))
    assert code == 3
    assert err.splitlines() == [
        "hinomi: broken.tf: could not be parsed as terraform",
        "hinomi: broken.yaml: could not be parsed (line 2)",
    ]
    assert "2 not read" in out
    assert "Dockerfile:2" in out


@pytest.mark.process
@pytest.mark.usefixtures("installed")
def test_hostile_files_are_named_and_the_rest_is_judged(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    expected = []
    for number, text in enumerate(YAML.values()):
        (folder / f"h{number:02}.yaml").write_text(text, "utf-8")
    for name in ("pipe.tf", "pipe.yaml", "Dockerfile.pipe", "pipe.json"):
        os.mkfifo(folder / name)
        expected.append(f"hinomi: {name}: is no regular file")
    with socket.socket(socket.AF_UNIX) as listening:
        here = os.getcwd()
        os.chdir(folder)  # a socket's name is short
        listening.bind("socket.tf")
        os.chdir(here)
    expected.append("hinomi: socket.tf: is no regular file")
    (folder / "deep.tf").write_text("locals { a = " + "[" * 100_000, "utf-8")
    expected.append("hinomi: deep.tf: is nested deeper than 100 levels")
    with (folder / "large.tf").open("wb") as large:
        large.truncate(100_000_000)
    expected.append("hinomi: large.tf: is larger than 5,000,000 bytes")
    code, out, err = ran(capsys, "check", "iac", str(folder))
    assert code == 3
    assert set(expected) <= set(err.splitlines())
    assert len(err.splitlines()) == len(expected) + len(YAML) - 1, "one key that comes again is checkov's to judge"
    for _, file, line in EXPECTED:
        assert f"{file}:{line}" in out


@pytest.mark.process
@pytest.mark.usefixtures("installed")
def test_modules_from_elsewhere_are_neither_fetched_nor_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outside = folder.parent / "outside"
    outside.mkdir()
    (outside / "main.tf").write_text(FILES["network/main.tf"], "utf-8")
    sources = (
        "../outside", str(outside), "git::https://example.invalid/m.git", "example/vpc/aws", "s3::https://a.invalid/m.zip",
        "https://example.invalid/m.zip", "./", "./network",
    )  # fmt: skip
    modules = [f'module "m{number}" {{ source = "{source}" }}' for number, source in enumerate(sources)]
    (folder / "main.tf").write_text("\n".join(modules), "utf-8")
    code, out, err = ran(capsys, "check", "iac", str(folder), "--format", "jsonl")
    assert (code, err) == (3, "hinomi: ../outside/main.tf: lies outside of the folder, and is not read\n")
    assert {json.loads(line)["file"] for line in out.splitlines() if ".tf" in line} == {"main.tf", "network/main.tf"}


@pytest.mark.process
@pytest.mark.usefixtures("installed")
def test_aliases_of_a_usual_size_are_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pod.yaml").write_text(
        FILES["k8s/pod.yaml"].replace("hostPID: true", "hostPID: &on true\n  hostIPC: *on"), "utf-8"
    )
    code, out, _ = ran(capsys, "check", "iac", str(tmp_path), "--format", "jsonl")
    assert code == 0
    assert {"CKV_K8S_17", "CKV_K8S_18"} <= {json.loads(line)["check"] for line in out.splitlines()}


@pytest.mark.process
@pytest.mark.usefixtures("installed")
def test_sarif_has_what_its_standard_asks_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "broken.tf").write_text('resource "aws_s3_bucket" "b" {', "utf-8")
    code, out, _ = ran(capsys, "check", "iac", str(folder), "--format", "sarif", "--language", "ja")
    log = json.loads(out)
    assert (code, log["version"], len(log["runs"])) == (3, "2.1.0", 1)
    run_ = log["runs"][0]
    rules: list[dict[str, Any]] = run_["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    for result in run_["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("none", "note", "warning", "error")
        physical = result["locations"][0]["physicalLocation"]
        assert not physical["artifactLocation"]["uri"].startswith(("/", "file:"))
        assert 1 <= physical["region"]["startLine"] <= physical["region"]["endLine"]
    places = {(r["ruleId"], r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]) for r in run_["results"]}
    assert places >= {(policy, file) for policy, file, _ in EXPECTED}
    reported = run_["invocations"][0]
    assert reported["executionSuccessful"] is False
    assert "broken.tf" in reported["toolExecutionNotifications"][0]["message"]["text"]


def test_without_checkov_nothing_is_known(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HINOMI_CHECKOV", str(folder / "nowhere"))
    code, out, err = ran(capsys, "check", "iac", str(folder))
    assert (code, out) == (3, "")
    assert err.startswith("hinomi: checkov is not installed")


def test_what_is_no_folder_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = ran(capsys, "check", "iac", str(folder / "Dockerfile"))
    assert code == 2
    assert err.strip().endswith("Dockerfile: is no folder")


def ran(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Return the exit code, the output and the errors of a command."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    reported = capsys.readouterr()
    return int(ended.value.code or 0), reported.out, reported.err
