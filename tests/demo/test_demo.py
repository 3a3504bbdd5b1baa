"""`hinomi demo`, whole, and once: what it shows, and what goes on afterwards."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from demo.stand_ins.aws_emulator import ENVIRONMENT
from demo.steps import _SAYS
from model.text import LANGUAGES

pytestmark = pytest.mark.process
DEMO = [sys.executable, "-m", "cli", "demo"]


def test_planted_faults_are_found_and_in_what_goes_on_one_change_is_one_new_row(tmp_path: Path) -> None:
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "TMPDIR": str(tmp_path), "AWS_PROFILE": "not-used"}
    shown = subprocess.run([*DEMO, "--keep"], env=environment, capture_output=True, text=True, timeout=300, check=False)
    pids = re.search(r"kill (\d+) (\d+)", shown.stdout)
    assert pids, shown.stdout + shown.stderr
    try:
        assert shown.returncode == 0
        assert_exactly_what_was_planted_is_found(shown.stdout)
        reports = list(tmp_path.glob("hinomi-demo-*/report.*.html"))
        assert {report.suffixes[0] for report in reports} == {".en", ".ja"}
        assert all(str(report) in shown.stdout for report in reports)
        pages = list(tmp_path.glob("hinomi-demo-*/flood/suspension.*.html"))
        assert {page.suffixes[0] for page in pages} == {".en", ".ja"}
        assert all(str(page) in shown.stdout for page in pages)
        suspended = re.search(r"100 times the committed rate: suspended after (\d+) minutes", shown.stdout)
        assert suspended
        assert 54 <= int(suspended[1]) <= 61
        assert_one_change_is_one_new_row(shown.stdout)
    finally:
        for pid in pids.groups():
            os.kill(int(pid), signal.SIGTERM)


def assert_exactly_what_was_planted_is_found(shown: str) -> None:
    planted = re.search(r"(\d+) planted faults, found (\d+); nothing else", shown)
    remediated = re.search(r"(\d+) remediated, resolved (\d+); no other", shown)
    assert planted
    assert remediated
    assert planted[1] == planted[2]
    assert remediated[1] == remediated[2]
    assert int(planted[1]) / 4 <= int(remediated[1]) <= int(planted[1]) / 2
    reported = " ".join(shown.split())
    assert "planned by aki, approved by 2 others, remediated, verified by its policy; rolled back" in reported


def assert_one_change_is_one_new_row(shown: str) -> None:
    url = re.search(r"AWS_ENDPOINT_URL=(\S+)", shown)[1]  # type: ignore[index]
    reported = dict(re.findall(r"((?:HINOMI|AZURE)_\w+)=(\S+)", shown))
    env = ENVIRONMENT | reported | {"AWS_ENDPOINT_URL": url, "PATH": "/usr/bin:/bin"}
    s3 = boto3.client("s3", endpoint_url=url, aws_access_key_id="demo", aws_secret_access_key="demo")
    s3.delete_public_access_block(Bucket="aozora-ledger")
    scan = [sys.executable, "-m", "cli", "scan", "aozora-foods"]
    again = subprocess.run(scan, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert " 1 new or changed" in again.stdout
    assert "findings: 1 open, 0 reopened, 0 resolved" in again.stdout
    listed = [sys.executable, "-m", "cli", "findings", "aozora-foods", "--format", "jsonl"]
    found = subprocess.run(listed, env=env, capture_output=True, text=True, timeout=60, check=True).stdout
    newest = max(map(json.loads, found.splitlines()), key=lambda finding: finding["opened_at"])
    assert newest["resource"] == "arn:aws:s3:::aozora-ledger"


@pytest.mark.parametrize("key", _SAYS)
def test_what_is_shown_has_the_same_places_in_both_languages(key: str) -> None:
    ja, en = (sorted(re.findall(r"\{\d\}", _SAYS[key].of(language))) for language in LANGUAGES)
    assert ja == en
    assert _SAYS[key].ja != _SAYS[key].en
