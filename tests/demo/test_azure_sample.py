"""The sample company in Azure: `hinomi check azure` finds what is planted in it, and nothing else."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from catalog.form import convert
from catalog.yaml_reader import read
from cli.main import app
from demo.company import DATA, AzureSample
from demo.stand_ins.azure import StandIn, running

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def sample() -> AzureSample:
    return convert(read(DATA / "azure.yaml"), AzureSample)


@pytest.fixture(scope="module")
def lines(sample: AzureSample) -> Iterator[list[dict[str, Any]]]:
    with running(StandIn(sample.company)) as environment, pytest.MonkeyPatch.context() as patch:
        patch.delenv("AZURE_SUBSCRIPTION_ID", raising=False)
        for name, value in environment.items():
            patch.setenv(name, value)
        result = CliRunner().invoke(app, ["check", "azure", "--format", "jsonl"])
        assert result.exit_code == 0, result.output
        yield [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture(scope="module")
def ours(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what our own policies say: faults are planted for them, not for adopted checks."""
    return [line for line in lines if ".checkov." not in line["policy"]]


def test_what_is_planted_is_found_and_nothing_else(sample: AzureSample, ours: list[dict[str, Any]]) -> None:
    found = sorted((line["policy"], line["name"]) for line in ours if line["status"] == "fail")
    assert found == sorted((one.policy, one.resource) for one in sample.planted)


def test_nothing_is_unknown(lines: list[dict[str, Any]]) -> None:
    assert [line for line in lines if line["status"] == "unknown"] == []


def test_adopted_checks_judge_beside_them_and_name_themselves_as_second_sources(lines: list[dict[str, Any]]) -> None:
    adopted = [line for line in lines if line["policy"].startswith("azure.checkov.")]
    assert {line["status"] for line in adopted} == {"pass", "fail", "not_applicable"}
    assert len({line["policy"] for line in adopted if line["status"] in ("pass", "fail")}) >= 15
    reported = {source["check"] for line in lines for source in line.get("sources", [])}
    assert {"checkov:CKV_AZURE_3", "checkov:CKV_AZURE_110"} <= reported


def test_the_sample_is_worth_a_demonstration(sample: AzureSample, ours: list[dict[str, Any]]) -> None:
    assert len({one.policy.split(".")[1] for one in sample.planted}) >= 8
    sound = {line["resource"] for line in ours} - {line["resource"] for line in ours if line["status"] == "fail"}
    assert len(sound) >= len({line["resource"] for line in ours if line["status"] == "fail"})
    judged = {line["policy"] for line in ours if line["status"] in ("pass", "fail")}
    assert len(judged) >= 65
