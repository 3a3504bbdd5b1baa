"""Whether a bucket's policy denies every request without TLS.

Sources: AWS Config, «s3-bucket-ssl-requests-only»; IAM User Guide, «aws:SecureTransport»; Amazon S3 User Guide,
«Requiring a minimum TLS version».
"""

from typing import Any

from semantics.aws.fixed_values import is_open
from semantics.aws.policy_conditions import Clause, clauses
from semantics.aws.policy_documents import covers_action, covers_resource, statements
from semantics.aws.principals import is_anybody_at_all
from semantics.values import Document

_NO_NAME = "-"


def denies_plain_http(document: Document | None, bucket: str) -> bool:
    """Return whether denials together cover everybody, every action, and the bucket as well as all of its objects.

    Without the bucket's name it is taken from the policy, since S3 takes no other bucket's resources.
    """
    denials = [_without_partition(s) for s in statements(document) if _denies_everybody(s)]
    name = bucket or _name(denials)
    return all(
        any(covers_action(denial, "s3:*") and covers_resource(denial, resource) for denial in denials)
        for resource in (f"s3:::{name}", f"s3:::{name}/*")
    )


def _denies_everybody(statement: Document) -> bool:
    return (
        statement["Effect"] == "Deny"
        and any(is_anybody_at_all(principal) for principal in statement["Principal"])
        and all(_holds_without_tls(clause) for clause in clauses(statement["Condition"]))
    )


def _holds_without_tls(clause: Clause) -> bool:
    """Return whether a clause holds for every request over plain HTTP, which has no TLS version.

    So a comparison with a version holds only where it says what is true without one.
    """
    values = {value.lower() for value in clause.values}
    if clause.key == "aws:securetransport":
        return clause.operator == "bool" and "false" in values
    if clause.key == "s3:tlsversion":
        absent = clause.operator == "null" and "true" in values
        return absent or (clause.operator.startswith("numericlessthan") and clause.if_exists)
    return False


def _without_partition(statement: dict[str, Any]) -> dict[str, Any]:
    fields = {field: [_resource(text) for text in statement[field]] for field in ("Resource", "NotResource")}
    return statement | fields


def _resource(text: str) -> str:
    return text.split(":", 2)[-1] if text.startswith("arn:") else text


def _name(denials: list[dict[str, Any]]) -> str:
    named = (text.rpartition(":::")[2].partition("/")[0] for denial in denials for text in denial["Resource"])
    return next((name for name in named if name and not is_open(name)), _NO_NAME)
