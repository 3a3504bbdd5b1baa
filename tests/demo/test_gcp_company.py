"""The example's project in Google Cloud: `hinomi check gcp` finds every planted fault there, and nothing else."""

import json
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from catalog.yaml_reader import read
from cli.main import app
from demo.company import DATA
from tests.servers.gcp_server import AssetServer, serving

pytestmark = pytest.mark.process

COMPANY = read(DATA / "gcp.yaml").value
PROJECTS = COMPANY["company"]["projects"]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[AssetServer]:
    server = AssetServer({f"projects/{project}": rows for project, rows in PROJECTS.items()})
    with serving(server) as endpoint:
        monkeypatch.setenv("HINOMI_GCP_ENDPOINT", endpoint)
        monkeypatch.delenv("GOOGLE_CLOUD_PROJECT", raising=False)
        yield server


def test_the_planted_faults_are_found_and_nothing_else(server: AssetServer) -> None:
    said = CliRunner().invoke(
        app, ["check", "gcp", "--project", *PROJECTS, "--now", "2026-06-01T00:00:00Z", "--format", "jsonl"]
    )
    assert said.exit_code == 0, said.output
    verdicts = [json.loads(line) for line in said.stdout.splitlines() if line]
    found = sorted((v["policy"], v["name"]) for v in verdicts if v["status"] == "fail")
    assert found == sorted((fault["policy"], fault["resource"]) for fault in COMPANY["planted"])
    assert {v["status"] for v in verdicts} == {"pass", "fail", "not_applicable"}
    assert len({v["policy"].split(".")[1] for v in verdicts if v["status"] == "fail"}) >= 8
