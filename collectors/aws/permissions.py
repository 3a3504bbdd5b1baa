"""The read-only policy that a customer gives us: made from the types, nothing more."""

from collections.abc import Iterable, Iterator
from typing import Any

from clouds.aws_models import operation
from collectors.aws.resource_types import ResourceType, TypeForm

# What the door itself asks, whatever the types: who are we, which regions are there.
DOOR_ACTIONS = {
    ("sts", "GetCallerIdentity"): "sts:GetCallerIdentity",
    ("ec2", "DescribeRegions"): "ec2:DescribeRegions",
}

Call = tuple[str, str]


def actions_by_call(types: Iterable[ResourceType]) -> dict[Call, str]:
    """Return for each (service, operation) that may be called the IAM action that it needs."""
    found = dict(DOOR_ACTIONS)
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


def cloudformation(types: Iterable[ResourceType]) -> dict[str, Any]:
    """Return a CloudFormation template of a role with that policy, trusted by one principal with an external id."""
    condition = {"StringEquals": {"sts:ExternalId": {"Ref": "ExternalId"}}}
    trust = {"Effect": "Allow", "Principal": {"AWS": {"Ref": "TrustedPrincipal"}}, "Action": "sts:AssumeRole"}
    role = {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": {"Ref": "RoleName"},
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust | {"Condition": condition}]},
            "Policies": [{"PolicyName": "hinomi-read", "PolicyDocument": policy_document(types)}],
        },
    }
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Read-only role for Hinomi",
        "Parameters": {
            "TrustedPrincipal": {"Type": "String", "Description": "ARN of the service that reads"},
            "ExternalId": {"Type": "String", "MinLength": 2, "NoEcho": True},
            "RoleName": {"Type": "String", "Default": "hinomi-read"},
        },
        "Resources": {"HinomiRead": role},
        "Outputs": {"RoleArn": {"Value": {"Fn::GetAtt": ["HinomiRead", "Arn"]}}},
    }


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
        yield form.listing.op, form.listing.iam
        for extra in (form.listing.prepare, form.listing.describe):
            if extra:
                yield extra.op, extra.iam
    for detail in form.details.values():
        yield detail.op, detail.iam
