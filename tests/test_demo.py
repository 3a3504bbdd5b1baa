"""`hinomi demo`, whole."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from clouds.emulator import ENVIRONMENT

DEMO = [sys.executable, "-m", "cli", "demo"]


def run(*arguments: str, language: str = "en", **environment: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"} | environment
    return subprocess.run(
        [*DEMO, "--language", language, *arguments], env=env, capture_output=True, text=True, timeout=300, check=False
    )


def test_findings_equal_the_planted_faults_and_exactly_the_mended_ones_resolve(tmp_path: Path) -> None:
    shown = run(TMPDIR=str(tmp_path), AWS_PROFILE="not-to-be-used")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    planted = re.search(r"(\d+) planted faults, found (\d+); nothing else", shown.stdout)
    mended = re.search(r"(\d+) mended, resolved (\d+); no other", shown.stdout)
    assert planted
    assert mended
    assert planted[1] == planted[2]
    assert mended[1] == mended[2]
    assert int(planted[1]) / 4 <= int(mended[1]) <= int(planted[1]) / 2
    told = " ".join(shown.stdout.split())
    assert "planned by aki, approved by 2 others, mended, verified by its policy; and taken back" in told
    reports = list(tmp_path.glob("hinomi-demo-*/report.*.html"))
    assert {report.suffixes[0] for report in reports} == {".en", ".ja"}
    assert all(str(report) in shown.stdout for report in reports)


def test_keep_leaves_an_account_in_which_one_change_is_one_new_row(tmp_path: Path) -> None:
    shown = run("--keep", language="ja", TMPDIR=str(tmp_path))
    pids = re.search(r"kill (\d+) (\d+)", shown.stdout)
    assert pids
    try:
        assert shown.returncode == 0
        url = re.search(r"AWS_ENDPOINT_URL=(\S+)", shown.stdout)[1]  # type: ignore[index]
        told = dict(re.findall(r"((?:HINOMI|AZURE)_\w+)=(\S+)", shown.stdout))
        env = ENVIRONMENT | told | {"AWS_ENDPOINT_URL": url, "PATH": "/usr/bin:/bin"}
        change = "import boto3; boto3.client('s3').delete_public_access_block(Bucket='aozora-ledger')"
        subprocess.run([sys.executable, "-c", change], env=env, check=True, timeout=60)
        scan = [sys.executable, "-m", "cli", "scan", "aozora-foods"]
        again = subprocess.run(scan, env=env, capture_output=True, text=True, timeout=120, check=False)
        assert " 1 new or changed" in again.stdout
        assert "findings: 1 open, 0 reopened, 0 resolved" in again.stdout
        listed = [sys.executable, "-m", "cli", "findings", "aozora-foods", "--format", "jsonl"]
        found = subprocess.run(listed, env=env, capture_output=True, text=True, timeout=60, check=True).stdout
        newest = max(map(json.loads, found.splitlines()), key=lambda finding: finding["opened_at"])
        assert newest["resource"] == "arn:aws:s3:::aozora-ledger"
    finally:
        for pid in pids.groups():
            os.kill(int(pid), signal.SIGTERM)
