"""The customers' read-only policy: made from the types, equal to the calls really made, and reading only."""

import json
from typing import Any

import pytest

from clouds.aws.login import Login, locate, session
from clouds.aws.read import AwsClient
from clouds.aws.service_models import operation
from collectors.aws import permissions, resource_types
from collectors.aws.engine import collect
from demo.stand_ins.aws_emulator import Emulator
from pipeline.clock import SystemClock
from tests.recorded_clouds import NOT_EMULATED, REGIONS

ALL = resource_types.load()
TYPES = [type_.offered(()) for type_ in ALL]
# Reads of customers' data, which no configuration needs; the prefix names the service.
DATA = {
    "s3:GetObject", "secretsmanager:GetSecretValue", "ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath",
    "ec2:GetPasswordData", "lambda:GetFunction", "dynamodb:GetItem", "dynamodb:Scan", "dynamodb:Query",
    "sqs:ReceiveMessage", "kms:Decrypt", "logs:GetLogEvents", "logs:FilterLogEvents",
    "rds:DownloadDBLogFilePortion", "ec2:GetConsoleOutput",
}  # fmt: skip


@pytest.mark.parametrize("action", sorted(permissions.policy_document(TYPES)["Statement"][0]["Action"]))
def test_each_action_exists_and_only_reads_configuration(action: str, reference: dict[str, Any]) -> None:
    prefix, name = action.split(":")
    assert reference[prefix]["privileges"][name]["access_level"] in ("Read", "List")
    assert action not in DATA


def test_the_policy_equals_the_calls_really_made(company: Emulator) -> None:
    clock, made = SystemClock(), set()
    own = session(Login(), clock)
    own.register("before-call", lambda model, **_: made.add((model.service_model.service_name, model.name)))
    client = AwsClient(own, clock)
    for _ in collect(client, ALL, locate(client, REGIONS)):
        pass
    unheard = set(permissions.actions_by_call(t for t in ALL if t.form.kind in NOT_EMULATED))
    heard = set(permissions.actions_by_call(t for t in ALL if t.form.kind not in NOT_EMULATED))
    assert heard - _only_in_doubt() <= made <= heard | unheard


def _only_in_doubt() -> set[tuple[str, str]]:
    """Return the calls that are made only where a code may mean that the resource itself is gone."""
    return {(t.form.service, operation(t.form.service, t.form.exists.op).name) for t in ALL if t.form.exists}


@pytest.mark.parametrize(("option", "more"), [("function-code", {"lambda:GetFunction"})])
def test_an_option_of_the_contract_adds_what_it_needs_and_nothing_else(option: str, more: set[str]) -> None:
    asked = [type_.offered((option,)) for type_ in ALL]
    actions, with_it = ({*permissions.actions_by_call(types).values()} for types in (TYPES, asked))
    assert with_it - actions == more
    assert actions <= with_it


def test_the_templates_carry_the_same_actions_and_ask_for_an_external_id() -> None:
    actions = permissions.policy_document(TYPES)["Statement"][0]["Action"]
    role = permissions.cloudformation(TYPES)["Resources"]["HinomiRead"]["Properties"]
    assert role["Policies"][0]["PolicyDocument"]["Statement"][0]["Action"] == actions
    assert "sts:ExternalId" in json.dumps(role["AssumeRolePolicyDocument"])
    documents = permissions.terraform(TYPES)["data"]["aws_iam_policy_document"]
    assert documents["hinomi_read"]["statement"][0]["actions"] == actions
    assert documents["hinomi_trust"]["statement"][0]["condition"][0]["variable"] == "sts:ExternalId"


def test_cloudformation_takes_the_template(company: Emulator) -> None:
    """cfn-lint, the linter of AWS's own template specification."""
    from cfnlint.api import lint_all

    matches = lint_all(json.dumps(permissions.cloudformation(TYPES)))
    assert [str(match) for match in matches if match.rule.severity != "informational"] == []


def test_the_policy_fits_into_one_managed_policy() -> None:
    # IAM quotas: 6,144 characters, white space not counted
    assert len(json.dumps(permissions.policy_document(TYPES), separators=(",", ":"))) <= 6144
