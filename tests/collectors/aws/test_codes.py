"""Which error codes may say that something is gone, or that there is none of it: those that say nothing else."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from catalog.yaml_reader import parse
from clouds.aws.faults import classify, may_mean_anything, says_none
from clouds.call_failed import CallFailed
from collectors.aws import resource_types
from collectors.aws.engine import collect
from model.asset import Asset, Listing, Place
from model.fault import Refused

TYPES = resource_types.load()
USED = sorted(
    {(t.form.service, code) for t in TYPES for d in [*t.form.details.values()] for code in d.absent}
    | {(t.form.service, code) for t in TYPES for code in t.form.gone}
)
# Of services' API references: «Common errors», and what an operation says of a request that it does not like.
CATCH_ALLS = [
    "BadRequest", "BadRequestException", "ClientException", "ConflictException", "FailedResourceAccessException",
    "InvalidAccessException", "InvalidAction", "InvalidArgumentException", "InvalidInput", "InvalidInputException",
    "InvalidOperationException", "InvalidParameter", "InvalidParameterCombination", "InvalidParameterException",
    "InvalidParameterValue", "InvalidParameterValueException", "InvalidRequest", "InvalidRequestException",
    "InvalidState", "InvalidStateException", "KMSInvalidStateException", "MalformedQueryString", "MethodNotAllowed",
    "MissingParameter", "PreconditionFailed", "ServerException", "ServiceException", "Unknown",
    "UnknownOperationException", "UnsupportedOperation", "UnsupportedOperationException", "ValidationError",
    "ValidationException",
]  # fmt: skip


@pytest.mark.parametrize(("service", "code"), USED)
def test_each_code_of_a_type_says_that_there_is_none(service: str, code: str) -> None:
    assert says_none(service, code)


@pytest.mark.parametrize("code", CATCH_ALLS)
def test_a_catch_all_says_nothing(code: str) -> None:
    assert not any(says_none(type_.form.service, code) for type_ in TYPES)


@pytest.mark.parametrize(
    ("code", "anything"),
    [
        ("ResourceNotFoundException", True),
        ("NotFoundException", True),
        ("NotFound", True),
        ("NoSuchEntity", True),
        ("EntityNotExistsException", True),
        ("ResourceNotFoundFault", True),
        ("PolicyNotFoundException", False),
        ("NoSuchBucketPolicy", False),
        ("OwnershipControlsNotFoundError", False),
    ],
)
def test_some_codes_do_not_say_of_what_there_is_none(code: str, anything: bool) -> None:
    assert may_mean_anything(code) == anything


TYPE = """
kind: aws.lambda.function
service: lambda
scope: region
list: {{op: list_functions, rows: Functions}}
arn: $FunctionArn
name: $FunctionName
details:
  Config: {{op: get_function_configuration, args: {{FunctionName: $FunctionName}}, get: KMSKeyArn}}
  Policy: {{op: get_policy, args: {{{args}}}, get: Policy, json: true{absent}}}
{more}
"""
GONE = "gone: [ResourceNotFoundException]"
EXISTS = "exists: {op: get_function_configuration, args: {FunctionName: $FunctionName}}"
BY_NAME = "FunctionName: $FunctionName"


def faults(args: str = BY_NAME, absent: str = "", more: str = "") -> list[str]:
    text = TYPE.format(args=args, absent=f", absent: [{absent}]" if absent else "", more=more)
    try:
        assert resource_types.read(parse(text.encode(), "a.yaml")).kind
    except Refused as refused:
        return [fault.problem for fault in refused.faults]
    return []


@pytest.mark.parametrize("code", CATCH_ALLS)
def test_a_catch_all_is_refused_when_a_type_is_loaded(code: str) -> None:
    for absent, more, meant in ((code, "", "absent"), ("", f"gone: [{code}]", "gone")):
        [problem] = faults(absent=absent, more=more)
        assert code in problem
        assert problem.endswith(f"cannot mean {meant}")


@pytest.mark.parametrize(
    ("args", "absent", "more", "problem"),
    [
        (BY_NAME, "PolicyNotFoundException", GONE, ""),
        (BY_NAME, "ResourceNotFoundException", "", "may mean that the resource itself is gone"),
        (BY_NAME, "ResourceNotFoundException", GONE, "may mean that the resource itself is gone"),
        (BY_NAME, "ResourceNotFoundException", f"{GONE}\n{EXISTS}", ""),
        (BY_NAME, "", EXISTS, "goes with 'gone'"),
        (BY_NAME, "", GONE, ""),
        ("FunctionName: $Config", "", GONE, "may mean another thing that is asked for"),
        (f"{BY_NAME}, Qualifier: $Version", "", GONE, "may mean another thing that is asked for"),
        (f"{BY_NAME}, Qualifier: $Version", "", f"{GONE}\n{EXISTS}", ""),
        (BY_NAME, "", f"{GONE}\nexists: {{op: get_nothing}}", "no operation 'get_nothing'"),
        (BY_NAME, "", f"{GONE}\n{EXISTS.replace('$FunctionName', '$Nobody')}", "$Nobody is not known"),
    ],
)
def test_what_may_mean_two_things_needs_a_call_that_tells(args: str, absent: str, more: str, problem: str) -> None:
    found = faults(args, absent, more)
    assert found == [] if not problem else [one for one in found if problem in one]


class Cloud:
    """An account whose calls are answered by operation: with a reply, or with an error's code."""

    def __init__(self, kind: str, answers: dict[str, Any]) -> None:
        [self.type] = resource_types.load(kinds=[kind])
        self._answers = answers

    def pages(self, _service: str, _region: str, op: str, _args: Any) -> Iterator[Any]:
        yield self._answers[op]

    def call(self, _service: str, _region: str, op: str, _args: Any) -> Any:
        answer = self._answers[op]
        if isinstance(answer, str):
            raise CallFailed(answer)
        return answer

    def piece(self, url: str, start: int, length: int) -> tuple[bytes, int]:
        raise NotImplementedError

    def pause(self, seconds: float) -> None: ...

    def forget(self, region: str) -> None: ...


PLACE = Place("1", "1", "arn:aws:iam::1:root", "aws", ("eu-west-1",))


def looked(cloud: Cloud) -> tuple[list[dict[str, str]], list[str]]:
    """Return what is unknown of each asset, and the causes of the listing."""
    seen = list(collect(cloud, [cloud.type.offered(())], PLACE))
    unknown = [one.unknown for one in seen if isinstance(one, Asset)]
    return unknown, [one.cause for one in seen if isinstance(one, Listing) and one.cause]


LAMBDA = {"list_functions": {"Functions": [{"FunctionArn": "arn:f", "FunctionName": "f"}]}}
VAULTS = {"list_vaults": {"VaultList": [{"VaultARN": "arn:v", "VaultName": "v"}]}}
POLICIES = {"list_policies": {"Policies": [{"Arn": "arn:p", "PolicyName": "p", "DefaultVersionId": "v1"}]}}
FIREWALLS = {"list_firewalls": {"Firewalls": [{"FirewallArn": "arn:f", "FirewallName": "f"}]}}
TASKS = {"list_task_definitions": {"taskDefinitionArns": ["arn:t"]}}
NOT_FOUND = "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("kind", "answers", "unknown"),
    [
        # One code for «no policy» and «no function»: which, its configuration says (Lambda API Reference, GetPolicy).
        ("aws.lambda.function", LAMBDA | {"get_policy": NOT_FOUND, "get_function_configuration": {}}, [{}]),
        ("aws.lambda.function", LAMBDA | {"get_policy": NOT_FOUND, "get_function_configuration": NOT_FOUND}, []),
        (
            "aws.lambda.function",
            LAMBDA | {"get_policy": NOT_FOUND, "get_function_configuration": "AccessDeniedException"},
            [{"Policy": f"lambda:GetPolicy {NOT_FOUND}, lambda:GetFunctionConfiguration AccessDeniedException"}],
        ),
        ("aws.glacier.vault", VAULTS | {"get_vault_access_policy": NOT_FOUND, "describe_vault": {}}, [{}]),
        ("aws.glacier.vault", VAULTS | {"get_vault_access_policy": NOT_FOUND, "describe_vault": NOT_FOUND}, []),
        # A version that is gone is no policy that is.
        (
            "aws.iam.policy",
            POLICIES | {"get_policy_version": "NoSuchEntity", "get_policy": {}},
            [{"Document": "iam:GetPolicyVersion NoSuchEntity"}],
        ),
        ("aws.iam.policy", POLICIES | {"get_policy_version": "NoSuchEntity", "get_policy": "NoSuchEntity"}, []),
        (
            "aws.networkfirewall.firewall",
            FIREWALLS
            | {
                "describe_firewall": {"Firewall": {"FirewallPolicyArn": "arn:p"}},
                "describe_firewall_policy": NOT_FOUND,
            },
            [{"Policy": f"network-firewall:DescribeFirewallPolicy {NOT_FOUND}"}],
        ),
        (
            "aws.ecs.task-definition",
            TASKS | {"describe_task_definition": "ClientException"},
            [{"Definition": "ecs:DescribeTaskDefinition ClientException"}],
        ),
        (
            "aws.securityhub.hub",
            {"describe_hub": "InvalidAccessException"},
            [{"HubArn": "securityhub:DescribeHub InvalidAccessException"}],
        ),
        ("aws.securityhub.hub", {"describe_hub": "InvalidAccessException (not subscribed)"}, [{}]),
    ],
)
def test_what_is_gone_and_what_has_none_are_told_apart(
    kind: str, answers: dict[str, Any], unknown: list[dict[str, str]]
) -> None:
    assert looked(Cloud(kind, answers)) == (unknown, [])


@pytest.mark.parametrize(
    ("op", "code", "message", "called"),
    [
        (
            "DescribeHub",
            "InvalidAccessException",
            "Account 1 is not subscribed to AWS Security Hub",
            "InvalidAccessException (not subscribed)",
        ),
        ("DescribeHub", "InvalidAccessException", "The account is not allowed", "InvalidAccessException"),
        ("DescribeHub", "AccessDeniedException", "not subscribed to AWS Security Hub", "AccessDeniedException"),
        ("GetFindings", "InvalidAccessException", "not subscribed to AWS Security Hub", "InvalidAccessException"),
    ],
)
def test_a_code_is_told_apart_by_its_message_which_is_not_kept(op: str, code: str, message: str, called: str) -> None:
    failure, _ = classify(ClientError({"Error": {"Code": code, "Message": message}}, op))
    assert failure.code == called
