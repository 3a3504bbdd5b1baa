"""What a user or role may do, by all its policy documents together: allowed, minus denied, within its boundary.

A principal's documents are those of its inline policies, attached policies and groups. Conditions of an Allow count as
held, since the holder may bring them about (MFA, time, address), but for those that say which role may be passed to
what, which policy may be attached, and which boundary new principals must have. A Deny with a condition is not counted
in, but for the same three. Organisations' and sessions' policies are not known here.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from semantics.aws.policy_conditions import Clause, clauses
from semantics.aws.policy_documents import allows_everything, covers_action, covers_resource, statements
from semantics.aws.wildcards import includes


class Way(NamedTuple):
    """A way to more permissions than one has: all its actions together; the service that a role is passed to."""

    actions: tuple[str, ...]
    passed_to: str = ""

    @property
    def name(self) -> str:
        """Return its actions, as people write them."""
        return "+".join(self.actions)


# The published ways that need nothing but permissions. Sources: Rhino Security Labs, «AWS IAM Privilege Escalation –
# Methods and Mitigation» (2018, with its later additions); Bishop Fox, «Privilege Escalation in AWS» (2021);
# Datadog, «pathfinding.cloud» (2025). Those that also need a running server or an existing project are left out.
WAYS = (
    Way(("iam:CreatePolicyVersion",)),
    Way(("iam:SetDefaultPolicyVersion",)),
    Way(("iam:CreateAccessKey",)),
    Way(("iam:CreateLoginProfile",)),
    Way(("iam:UpdateLoginProfile",)),
    Way(("iam:AttachUserPolicy",)),
    Way(("iam:AttachGroupPolicy",)),
    Way(("iam:AttachRolePolicy",)),
    Way(("iam:PutUserPolicy",)),
    Way(("iam:PutGroupPolicy",)),
    Way(("iam:PutRolePolicy",)),
    Way(("iam:AddUserToGroup",)),
    Way(("iam:UpdateAssumeRolePolicy", "sts:AssumeRole")),
    Way(("iam:PassRole", "ec2:RunInstances"), "ec2"),
    Way(("iam:PassRole", "ec2:RequestSpotInstances"), "ec2"),
    Way(("iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"), "lambda"),
    Way(("iam:PassRole", "lambda:CreateFunction", "lambda:CreateEventSourceMapping"), "lambda"),
    Way(("iam:PassRole", "lambda:CreateFunction", "lambda:AddPermission"), "lambda"),
    Way(("lambda:UpdateFunctionCode",)),
    Way(("lambda:UpdateFunctionConfiguration",)),
    Way(("iam:PassRole", "glue:CreateDevEndpoint"), "glue"),
    Way(("glue:UpdateDevEndpoint",)),
    Way(("iam:PassRole", "glue:CreateJob", "glue:StartJobRun"), "glue"),
    Way(("iam:PassRole", "glue:CreateJob", "glue:CreateTrigger"), "glue"),
    Way(("iam:PassRole", "cloudformation:CreateStack"), "cloudformation"),
    Way(
        (
            "iam:PassRole",
            "datapipeline:CreatePipeline",
            "datapipeline:PutPipelineDefinition",
            "datapipeline:ActivatePipeline",
        ),
        "datapipeline",
    ),
    Way(("iam:PassRole", "codebuild:CreateProject", "codebuild:StartBuild"), "codebuild"),
    Way(("iam:PassRole", "ecs:RegisterTaskDefinition", "ecs:RunTask"), "ecs-tasks"),
    Way(("iam:PassRole", "ecs:RegisterTaskDefinition", "ecs:CreateService"), "ecs-tasks"),
    Way(
        ("iam:PassRole", "sagemaker:CreateNotebookInstance", "sagemaker:CreatePresignedNotebookInstanceUrl"),
        "sagemaker",
    ),
    Way(("iam:PassRole", "sagemaker:CreateTrainingJob"), "sagemaker"),
    Way(("iam:PassRole", "sagemaker:CreateProcessingJob"), "sagemaker"),
)

# The resources of the actions above, as the Service Authorization Reference names them; of the others it names none.
_FAMILIES = {
    "iam::ACCOUNT:user/*": "iam:CreateAccessKey iam:CreateLoginProfile iam:UpdateLoginProfile iam:AttachUserPolicy "
    "iam:PutUserPolicy",
    "iam::ACCOUNT:group/*": "iam:AttachGroupPolicy iam:PutGroupPolicy iam:AddUserToGroup",
    "iam::ACCOUNT:role/*": "iam:AttachRolePolicy iam:PutRolePolicy iam:UpdateAssumeRolePolicy iam:PassRole "
    "sts:AssumeRole",
    "iam::ACCOUNT:policy/*": "iam:CreatePolicyVersion iam:SetDefaultPolicyVersion",
    "ec2:REGION:ACCOUNT:instance/*": "ec2:RunInstances",
    "ec2:REGION:ACCOUNT:spot-instances-request/*": "ec2:RequestSpotInstances",
    "lambda:REGION:ACCOUNT:function:*": "lambda:AddPermission lambda:CreateFunction lambda:InvokeFunction "
    "lambda:UpdateFunctionCode lambda:UpdateFunctionConfiguration",
    "glue:REGION:ACCOUNT:devEndpoint/*": "glue:UpdateDevEndpoint",
    "glue:REGION:ACCOUNT:job/*": "glue:CreateJob glue:StartJobRun",
    "glue:REGION:ACCOUNT:trigger/*": "glue:CreateTrigger",
    "cloudformation:REGION:ACCOUNT:stack/*": "cloudformation:CreateStack",
    "datapipeline:REGION:ACCOUNT:pipeline/*": "datapipeline:PutPipelineDefinition datapipeline:ActivatePipeline",
    "codebuild:REGION:ACCOUNT:project/*": "codebuild:CreateProject codebuild:StartBuild",
    "ecs:REGION:ACCOUNT:task-definition/*": "ecs:RegisterTaskDefinition ecs:RunTask",
    "ecs:REGION:ACCOUNT:service/*": "ecs:CreateService",
    "sagemaker:REGION:ACCOUNT:notebook-instance/*": "sagemaker:CreateNotebookInstance "
    "sagemaker:CreatePresignedNotebookInstanceUrl",
    "sagemaker:REGION:ACCOUNT:training-job/*": "sagemaker:CreateTrainingJob",
    "sagemaker:REGION:ACCOUNT:processing-job/*": "sagemaker:CreateProcessingJob",
}
FAMILY = {action: family for family, actions in _FAMILIES.items() for action in actions.split()}
_SERVICES = frozenset(action.partition(":")[0] for way in WAYS for action in way.actions)
# Done to oneself, these give nothing that one does not have.
_OF_OTHERS_ONLY = frozenset({"iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:UpdateLoginProfile"})
_BOUNDARY = "iam:permissionsboundary"
_CONFINING = frozenset({_BOUNDARY, "iam:policyarn"})
_PASSED_TO = "iam:passedtoservice"
# How the names of services end, by partition: `dnsSuffix` of the SDK's partitions.json. In China both are in use.
_SUFFIXES = (
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazonaws.eu",
    "c2s.ic.gov",
    "sc2s.sgov.gov",
    "cloud.adc-e.uk",
    "csp.hci.ic.gov",
)

Statement = Mapping[str, Any]


_RESOURCE_FIELDS = ("Resource", "NotResource")


class _Step(NamedTuple):
    """One action of a way: the service that its role goes to, and who wants to take it."""

    action: str
    passed_to: str
    principal: str


class _Rights(NamedTuple):
    """A principal's statements, and those of each document that bounds it."""

    own: list[Statement]
    bounds: list[list[Statement]]


def escalations(principal: str, documents: list[Any], boundaries: list[Any]) -> list[str]:
    """Return the published ways by which a principal can gain permissions that it was not given, by name.

    The documents are its policies, the boundaries those of its permissions boundary. An action counts where it is
    allowed for resources of every name, or for the principal itself: a name, or a family of names such as `role/app-*`,
    is taken as narrowed on purpose.
    """
    return [*_escalations(principal, _rights(principal, documents, boundaries))]


def administrator(principal: str, documents: list[Any], boundaries: list[Any]) -> bool:
    """Return whether a principal may do everything, or may give itself what a few denials keep from it.

    One statement of its policy documents allows every action, or every one but some outside IAM, on every resource; so
    does the boundary where there is one; and a way to more permissions is left.
    """
    rights = _rights(principal, documents, boundaries)
    whole = all(any(allows_everything(s) for s in side) for side in [rights.own, *rights.bounds])
    return whole and any(_escalations(principal, rights))


def _escalations(principal: str, rights: _Rights) -> Iterator[str]:
    if not any(s["Effect"] == "Allow" and _may_speak_of_ways(s) for s in rights.own):  # the most usual answer
        return
    may = cache(lambda step: _may(rights, step))
    for way in WAYS:
        if all(may(_Step(action, way.passed_to, principal)) for action in way.actions):
            yield way.name


def _may_speak_of_ways(statement: Statement) -> bool:
    """Return whether a statement names a service of the ways, or what may mean one: else it is looked at in vain."""
    services = (pattern.partition(":")[0] for pattern in statement["Action"])
    return bool(statement["NotAction"]) or any(s in _SERVICES or "*" in s or "?" in s for s in services)


def _rights(principal: str, documents: list[Any], boundaries: list[Any]) -> _Rights:
    name = principal.rsplit("/", 1)[-1]
    own, *bounds = (
        [_with_name(statement, name) for document in side for statement in statements(document)]
        for side in (documents, *([boundary] for boundary in boundaries))
    )
    return _Rights(own, bounds)


def _with_name(statement: dict[str, Any], name: str) -> Statement:
    """Return the statement with the variable of the principal's name filled in."""
    filled = {field: [text.replace("${aws:username}", name) for text in statement[field]] for field in _RESOURCE_FIELDS}
    return statement | filled


def _may(rights: _Rights, step: _Step) -> bool:
    allowing = _allowing(rights.own, step)
    if not allowing:
        return False
    sides = [rights.own, *rights.bounds]
    denials = [s for side in sides for s in side if s["Effect"] == "Deny" and _denies(s, step)]
    return any(
        all(any(covers_resource(bound, target) for bound in _allowing(side, step)) for side in rights.bounds)
        and not any(covers_resource(denial, target) for denial in denials)
        for allow in allowing
        for target in _targets(allow, step)
    )


def _allowing(side: list[Statement], step: _Step) -> list[Statement]:
    return [s for s in side if s["Effect"] == "Allow" and _speaks_of(s, step) and not _confines(s, step, negated=False)]


def _denies(denial: Statement, step: _Step) -> bool:
    if not _speaks_of(denial, step):
        return False
    return not denial["Condition"] or (_confines(denial, step, negated=True) and _only_confines(denial))


def _speaks_of(statement: Statement, step: _Step) -> bool:
    return covers_action(statement, step.action.lower())


def _only_confines(denial: Statement) -> bool:
    return all(clause.key in _CONFINING | {_PASSED_TO} for clause in clauses(denial["Condition"]))


def _confines(statement: Statement, step: _Step, *, negated: bool) -> bool:
    """Return whether a condition leaves the step to certain policies or boundaries, or to other services."""
    for clause in clauses(statement["Condition"]):
        if clause.negated is not negated or not clause.matches:
            continue
        if clause.key in _CONFINING and not _lets_any_in(clause, step):
            return True
        if clause.key == _PASSED_TO and step.action == "iam:PassRole":
            return not any(_means_service(pattern, step.passed_to) for pattern in clause.patterns)
    return False


def _lets_any_in(clause: Clause, step: _Step) -> bool:
    """Return whether a clause holds for policies of every name, or for who has no boundary."""
    if not clause.negated and clause.holds_without_key and (clause.key == _BOUNDARY or not clause.if_exists):
        return True
    _, partition, _, _, account, _ = step.principal.split(":", 5)
    every = [f"arn:{partition}:iam::{owner}:policy/*" for owner in (account, "aws")]
    return any(includes(pattern, policies) for pattern in clause.patterns for policies in every)


def _means_service(pattern: str, service: str) -> bool:
    return any(includes(pattern, f"{service}.{suffix}") for suffix in _SUFFIXES)


def _targets(allow: Statement, step: _Step) -> list[str]:
    """Return the resources that count, as patterns: those of every name, and the principal itself."""
    wanted = {_every_name(pattern, step) for pattern in allow["Resource"] or ["*"]}
    if _is_of_principal(step):
        wanted.add(step.principal)
    return [target for target in wanted if covers_resource(allow, target)]


def _is_of_principal(step: _Step) -> bool:
    family = FAMILY.get(step.action, "")
    kind = step.principal.split(":")[-1].partition("/")[0]
    return family.endswith(f":{kind}/*") and step.action not in _OF_OTHERS_ONLY


def _every_name(pattern: str, step: _Step) -> str:
    """Return the step's resources of every name, in the region that a pattern names."""
    family = FAMILY.get(step.action)
    if family is None:
        return "*"
    _, partition, _, _, account, _ = step.principal.split(":", 5)
    parts = pattern.split(":", 5)
    region = parts[3] if len(parts) == 6 else "*"
    return f"arn:{partition}:" + family.replace("ACCOUNT", account).replace("REGION", region)
