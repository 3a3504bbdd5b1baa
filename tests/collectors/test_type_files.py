"""What type files of all providers have in common."""

from collections.abc import Callable
from pathlib import Path

import pytest

from collectors.aws import resource_types as aws
from collectors.azure import resource_types as azure
from collectors.gcp import resource_types as gcp
from collectors.kubernetes import resource_types as kubernetes
from model.asset import Kind
from model.fault import Refused

# A path, what stands there, who reads it, and one of its fields.
TYPES: dict[str, tuple[str, Callable[[Path], list[Kind]], str]] = {
    "ecr/repository.yaml": (
        """
kind: aws.ecr.repository
service: ecr
scope: region
arn: $repositoryArn
name: $repositoryName
list: {op: describe_repositories, rows: repositories}
""",
        lambda folder: [type_.kind for type_ in aws.load(folder)],
        "imageTagMutability",
    ),
    "network/watcher.yaml": (
        """
kind: azure.network.watcher
type: Microsoft.Network/networkWatchers
table: resources
fields: {provisioningState: string}
""",
        lambda folder: [type_.kind for type_ in azure.load(folder)],
        "provisioningState",
    ),
    "storage/bucket.yaml": (
        """
kind: gcp.storage.bucket
asset_type: storage.googleapis.com/Bucket
name: $name
fields: {name: string, versioning: object}
""",
        lambda folder: [type_.kind for type_ in gcp.load(folder)],
        "versioning",
    ),
    "core/service.yaml": (
        """
kind: kubernetes.core.service
api: v1
plural: services
object: Service
namespaced: true
fields: [spec]
""",
        lambda folder: [type_.kind for type_ in kubernetes.load(folder)],
        "spec",
    ),
}


@pytest.mark.parametrize("file", TYPES)
@pytest.mark.parametrize(
    ("names", "problems"),
    [
        ("[{}]", []),
        ("[NoSuchField]", ["'NoSuchField' is no field and no detail"]),
        ("[{0}, {0}]", ["'{}' is said twice"]),
    ],
)
def test_what_is_always_given_is_known_and_said_once(
    tmp_path: Path, file: str, names: str, problems: list[str]
) -> None:
    text, kinds, field = TYPES[file]
    (tmp_path / file).parent.mkdir()
    (tmp_path / file).write_text(f"{text}always:\n  The reference says so: {names.format(field)}\n", encoding="utf-8")
    assert _faults(kinds, tmp_path) == [problem.format(field) for problem in problems]


def _faults(kinds: Callable[[Path], list[Kind]], folder: Path) -> list[str]:
    try:
        kinds(folder)
    except Refused as refused:
        return [fault.problem for fault in refused.faults]
    return []
