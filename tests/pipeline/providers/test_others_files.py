"""What a customer hands in, recordings and kubeconfigs, is read within limits."""

import json
import os
from pathlib import Path

import pytest

from model.fault import Refused
from pipeline.providers.kubernetes import opening
from pipeline.providers.provider import provider_of
from pipeline.providers.recordings import parse
from pipeline.providers.registry import PROVIDERS
from tests.conftest import MovingClock
from tests.hostile_files import JSON, YAML

URL = "https://compute.googleapis.com/compute/v1/projects/p/zones/z/instances"


@pytest.mark.parametrize("provider", ["azure", "gcp"])
@pytest.mark.parametrize("raw", JSON.values(), ids=JSON.keys())
def test_a_recording_nested_for_ever_is_malformed(tmp_path: Path, raw: bytes, provider: str) -> None:
    (tmp_path / "r.json").write_bytes(raw)
    ((_, parsed),) = parse([tmp_path / "r.json"], provider_of(provider, PROVIDERS))
    assert parsed.outcome == "malformed"


@pytest.mark.parametrize("provider", ["azure", "gcp"])
def test_a_recording_as_deep_as_is_taken_ends_no_parser(tmp_path: Path, provider: str) -> None:
    for number, inner in enumerate(("[" * 97 + "]" * 97, '{"a":' * 97 + "1" + "}" * 97)):
        response = f'{{"items": [{inner}]}}'
        text = f'{{"method": "GET", "url": {json.dumps(URL)}, "status": 200, "response": {response}}}'
        (tmp_path / f"{number}.json").write_text(text)
        assert list(parse([tmp_path / f"{number}.json"], provider_of(provider, PROVIDERS)))


def test_a_recording_is_a_regular_file_of_a_size(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.json")
    with (tmp_path / "large.json").open("wb") as large:
        large.truncate(100_000_000)
    for name, problem in (("fifo", "is no file"), ("large", "is larger than"), ("none", "there is no such file")):
        with pytest.raises(Refused, match=problem):
            list(parse([tmp_path / f"{name}.json"], provider_of("gcp", PROVIDERS)))


@pytest.mark.parametrize("text", YAML.values(), ids=YAML.keys())
def test_a_hostile_kubeconfig_never_reaches_the_clients_library(tmp_path: Path, text: str) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(text)
    with pytest.raises(Refused) as refused:
        opening.looks({"kubeconfig": str(file), "context": ""}, [], MovingClock())
    assert refused.value.faults[0].file == str(file)
