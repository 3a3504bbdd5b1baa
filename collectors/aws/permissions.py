"""The read-only policy that a customer gives us: made from the types, nothing more."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

from clouds.aws.service_models import operation
from collectors.aws.resource_types import ResourceType, TypeForm

# What the client itself asks, whatever the types: who are we, which regions are there.
CLIENT_ACTIONS = {
    ("sts", "GetCallerIdentity"): "sts:GetCallerIdentity",
    ("ec2", "DescribeRegions"): "ec2:DescribeRegions",
}

Call = tuple[str, str]


def actions_by_call(types: Iterable[ResourceType]) -> dict[Call, str]:
    """Return for each (service, operation) that may be called the IAM action that it needs."""
    found = dict(CLIENT_ACTIONS)
    for type_ in types:
        for op, iam in _operations(type_.form):
            known = operation(type_.form.service, op)
            found[type_.form.service, known.name] = iam or known.action
    return found


def policy_document(types: Iterable[ResourceType]) -> dict[str, Any]:
    """Return the IAM policy document: one statement, sorted actions."""
    actions = sorted(set(actions_by_call(types).values()))
    statement = {"Sid": "HinomiRead", "Effect": "Allow", "Action": actions, "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


class Trust(Struct, frozen=True):
    """Who may assume a customer's role, and the external id that they have to name."""

    principal: str
    external_id: str


def cloudformation(types: Iterable[ResourceType], trust: Trust | None = None) -> dict[str, Any]:
    """Return a CloudFormation template of a role with that policy, trusted by one principal with an external id.

    With a trust, its parameters are filled in.
    """
    return _template(policy_document(types), "Read-only role for Hinomi", trust)


def organization(types: Iterable[ResourceType], trust: Trust) -> dict[str, Any]:
    """Return a template for an organisation's management account: a role there, and a StackSet for the members.

    The role in the management account may list the accounts too; members that join later get theirs by themselves.
    """
    types = list(types)
    lists = {"Sid": "HinomiAccounts", "Effect": "Allow", "Action": ["organizations:ListAccounts"], "Resource": "*"}
    own = policy_document(types)
    own["Statement"].append(lists)
    template = _template(own, "Read-only roles for Hinomi in all accounts of an organisation", trust)
    names = ("TrustedPrincipal", "ExternalId", "RoleName")
    template["Parameters"]["Targets"] = {
        "Type": "CommaDelimitedList",
        "Description": "Id of the root (r-...) or of organisational units (ou-...)",
    }
    template["Resources"]["HinomiReadInMembers"] = {
        "Type": "AWS::CloudFormation::StackSet",
        "Properties": {
            "StackSetName": "hinomi-read",
            "PermissionModel": "SERVICE_MANAGED",
            "AutoDeployment": {"Enabled": True, "RetainStacksOnAccountRemoval": False},
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
            "OperationPreferences": {"FailureTolerancePercentage": 100, "MaxConcurrentPercentage": 100},
            "Parameters": [{"ParameterKey": name, "ParameterValue": {"Ref": name}} for name in names],
            "StackInstancesGroup": [
                {
                    "DeploymentTargets": {"OrganizationalUnitIds": {"Ref": "Targets"}},
                    "Regions": [{"Ref": "AWS::Region"}],
                }
            ],
            "TemplateBody": json.dumps(cloudformation(types), separators=(",", ":")),
        },
    }
    return template


def _template(document: dict[str, Any], description: str, trusted: Trust | None) -> dict[str, Any]:
    principal, external_id = (trusted.principal, trusted.external_id) if trusted else ("", "")
    condition = {"StringEquals": {"sts:ExternalId": {"Ref": "ExternalId"}}}
    trust = {"Effect": "Allow", "Principal": {"AWS": {"Ref": "TrustedPrincipal"}}, "Action": "sts:AssumeRole"}
    role = {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": {"Ref": "RoleName"},
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust | {"Condition": condition}]},
            "Policies": [{"PolicyName": "hinomi-read", "PolicyDocument": document}],
        },
    }
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": description,
        "Parameters": {
            "TrustedPrincipal": {"Type": "String", "Description": "ARN of the service that reads"}
            | _default(principal),
            "ExternalId": {"Type": "String", "MinLength": 2, "NoEcho": True} | _default(external_id),
            "RoleName": {"Type": "String", "Default": "hinomi-read"},
        },
        "Resources": {"HinomiRead": role},
        "Outputs": {"RoleArn": {"Value": {"Fn::GetAtt": ["HinomiRead", "Arn"]}}},
    }


def _default(value: str) -> dict[str, str]:
    return {"Default": value} if value else {}


def terraform(types: Iterable[ResourceType]) -> dict[str, Any]:
    """Return the same role in Terraform's JSON syntax (a file named `*.tf.json`)."""
    principal = {"type": "AWS", "identifiers": ["${var.trusted_principal}"]}
    condition = {"test": "StringEquals", "variable": "sts:ExternalId", "values": ["${var.external_id}"]}
    trust = {"actions": ["sts:AssumeRole"], "principals": [principal], "condition": [condition]}
    read = policy_document(types)["Statement"][0]
    documents = {
        "hinomi_trust": {"statement": [trust]},
        "hinomi_read": {"statement": [{"sid": read["Sid"], "actions": read["Action"], "resources": ["*"]}]},
    }
    role = {"name": "${var.role_name}", "assume_role_policy": "${data.aws_iam_policy_document.hinomi_trust.json}"}
    inline = {
        "name": "hinomi-read",
        "role": "${aws_iam_role.hinomi.id}",
        "policy": "${data.aws_iam_policy_document.hinomi_read.json}",
    }
    return {
        "variable": {
            "trusted_principal": {"type": "string", "description": "ARN of the service that reads"},
            "external_id": {"type": "string", "sensitive": True},
            "role_name": {"type": "string", "default": "hinomi-read"},
        },
        "data": {"aws_iam_policy_document": documents},
        "resource": {"aws_iam_role": {"hinomi": role}, "aws_iam_role_policy": {"hinomi_read": inline}},
        "output": {"role_arn": {"value": "${aws_iam_role.hinomi.arn}"}},
    }


def _operations(form: TypeForm) -> Iterator[tuple[str, str | None]]:
    if form.listing:
        yield from form.listing.operations()
    for detail in form.details.values():
        yield detail.op, detail.iam
    if form.exists:
        yield form.exists.op, form.exists.iam
