"""The sample company in Azure: `hinomi check azure` finds what is planted in it, and nothing else."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from catalog.folder import config_folder
from catalog.form import convert
from catalog.yaml_reader import read
from cli.main import app
from clouds.azure_stand_in import StandIn, running
from pipeline.demo import AzureSample


@pytest.fixture(scope="module")
def sample() -> AzureSample:
    return convert(read(config_folder() / "example" / "azure.yaml"), AzureSample)


@pytest.fixture(scope="module")
def lines(sample: AzureSample) -> Iterator[list[dict[str, Any]]]:
    with running(StandIn(sample.company)) as environment, pytest.MonkeyPatch.context() as patch:
        patch.delenv("AZURE_SUBSCRIPTION_ID", raising=False)
        for name, value in environment.items():
            patch.setenv(name, value)
        result = CliRunner().invoke(app, ["check", "azure", "--format", "jsonl"])
        assert result.exit_code == 0, result.output
        yield [json.loads(line) for line in result.stdout.splitlines()]


def test_what_is_planted_is_found_and_nothing_else(sample: AzureSample, lines: list[dict[str, Any]]) -> None:
    found = sorted((line["policy"], line["name"]) for line in lines if line["status"] == "fail")
    assert found == sorted((one.policy, one.resource) for one in sample.planted)


def test_nothing_is_unknown(lines: list[dict[str, Any]]) -> None:
    assert [line for line in lines if line["status"] == "unknown"] == []


def test_the_sample_is_worth_a_demonstration(sample: AzureSample, lines: list[dict[str, Any]]) -> None:
    assert len({one.policy.split(".")[1] for one in sample.planted}) >= 8
    sound = {line["resource"] for line in lines} - {line["resource"] for line in lines if line["status"] == "fail"}
    assert len(sound) >= len({line["resource"] for line in lines if line["status"] == "fail"})
    judged = {line["policy"] for line in lines if line["status"] in ("pass", "fail")}
    assert len(judged) >= 65
