"""What AWS's failures mean: what each is called, how many tries it is worth, how long to wait between them."""

import re
from email.utils import parsedate_to_datetime

import botocore.exceptions
import botocore.parsers
from botocore.compat import get_current_datetime

from clouds.aws.replies import BrokenReply
from clouds.call_failed import CallFailed

_THROTTLED = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_REFUSING = re.compile(
    r"denied|forbidden|unauthori[sz]ed|notauthorized|authfailure|optin|token|expired|credential|signature|accesskey|disabled"
    r"|thrott|slowdown|toomany|limitexceeded|unavailable|internal|timeout",
    re.IGNORECASE,
)


# Of S3 (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html) and SQS, whose key service has its own.
_DENYING = frozenset({"403", "AccessDenied", "AccountProblem", "AllAccessDisabled"})
_DENYING |= {"AccessDeniedException", "KMS.AccessDeniedException", "KmsAccessDenied"}


def is_denial(code: str) -> bool:
    """Return whether an error code says that who asked may not do so, and nothing of a login that has ended."""
    return code in _DENYING


def is_refusal(code: str) -> bool:
    """Return whether an error code says nothing about what is there: a denial, a throttle, a broken service."""
    return code in _THROTTLED or bool(_REFUSING.search(code))


# A code says that there is none only where its own words do. Others are catch-alls: ECS's ClientException may be of «a
# user that doesn't have permissions» (API Reference, DescribeTaskDefinition, «Errors»).
_SAYING_NONE = re.compile(r"NotFound|NoSuch|NotExist|NonExist|NotInUse")
# What says it by other words, as the services' API references and the SDK's models have it.
_SAYING_NONE_OTHERWISE = frozenset(
    {
        ("iam", "AccountNotManagementOrDelegatedAdministrator"),  # «is not the management account or delegated …»
        ("iam", "OrganizationNotInAllFeaturesMode"),  # «does not have All features enabled»
        ("iam", "ServiceAccessNotEnabled"),  # «trusted access is not enabled for IAM in Organizations»
        ("securityhub", "InvalidAccessException (not subscribed)"),
        ("ssm", "InvalidDocument"),  # «The specified SSM document doesn't exist.»
    }
)
# Names that services give to whatever is asked for: the resource itself, or what belongs to it.
_OF_ANYTHING = re.compile(r"(Resource|Entity|Object|Item)?(NotFound|NotExists?|DoesNotExist)|NoSuch(Resource|Entity)")
_SUFFIX = re.compile(r"(Exception|Error|Fault)$")
# Codes of which the message alone says what is meant. Security Hub has one for a denied call («The account doesn't have
# permission to perform this action», API Reference) and for where it is off («Account … is not subscribed to AWS
# Security Hub», as its DescribeHub answers and Terraform's provider reads it).
_NAMED_BY_MESSAGE = {
    ("DescribeHub", "InvalidAccessException", "not subscribed to AWS Security Hub"): "(not subscribed)"
}


def says_none(service: str, code: str) -> bool:
    """Return whether an error code of a service says that there is none of what was asked for, and nothing else."""
    return bool(_SAYING_NONE.search(code)) or (service, _SUFFIX.sub("", code)) in _SAYING_NONE_OTHERWISE


def may_mean_anything(code: str) -> bool:
    """Return whether a code that says «there is none» does not say of what: the resource, or what belongs to it."""
    return bool(_OF_ANYTHING.fullmatch(_SUFFIX.sub("", code)))


THROTTLED_TRIES, _BROKEN_TRIES = 8, 3
_LONGEST_PAUSE_SECONDS = 10.0
_TOO_MANY_REQUESTS = 429
_SKEWED = frozenset({"RequestTimeTooSkewed", "RequestInTheFuture"})
_UNSIGNED = frozenset(
    {"AuthFailure", "InvalidSignatureException", "RequestExpired", "SignatureDoesNotMatch", "IncompleteSignature"}
)
_SKEW_ALLOWED_SECONDS = 300  # AWS's own limit
CLOCK_SKEW = "(clock skew)"
TIMEOUT = botocore.exceptions.ReadTimeoutError.__name__
_ASSUME_ROLE = "AssumeRole"
_BREAKING = (
    BrokenReply,
    botocore.exceptions.HTTPClientError,
    botocore.exceptions.IncompleteReadError,
    botocore.parsers.ResponseParserError,
)


def pause_seconds(tries: int) -> float:
    """Return how long to wait after so many tries."""
    return min(_LONGEST_PAUSE_SECONDS, 0.1 * 2.0**tries)


def classify(problem: Exception) -> tuple[CallFailed, int]:
    """Return what a failure is called, and how many tries it is worth."""
    if isinstance(problem, botocore.exceptions.ClientError):
        return _classify_error(problem)
    name = type(problem).__name__
    if isinstance(problem, botocore.exceptions.EndpointConnectionError | botocore.exceptions.ConnectTimeoutError):
        return CallFailed(name, unreachable=True), _BROKEN_TRIES
    return CallFailed(name), _BROKEN_TRIES if isinstance(problem, _BREAKING) else 1


def _classify_error(problem: botocore.exceptions.ClientError) -> tuple[CallFailed, int]:
    code = str(problem.response.get("Error", {}).get("Code") or "Unknown")
    metadata = problem.response.get("ResponseMetadata", {})
    status = int(metadata.get("HTTPStatusCode", 0))
    if code in _SKEWED or (code in _UNSIGNED and _is_skewed(metadata.get("HTTPHeaders", {}).get("date", ""))):
        code = f"{code} {CLOCK_SKEW}"
    code = _named(problem.operation_name, code, str(problem.response.get("Error", {}).get("Message")))
    if problem.operation_name == _ASSUME_ROLE:  # what failed is the login, not what was asked
        code = f"sts:{_ASSUME_ROLE} {code}"
    if code in _THROTTLED or status == _TOO_MANY_REQUESTS:
        return CallFailed(code), THROTTLED_TRIES
    return CallFailed(code), _BROKEN_TRIES if status >= 500 else 1


def _named(op: str, code: str, message: str) -> str:
    """Return a code, more exact by its message where that is known: the message itself is not kept."""
    for (of, general, words), which in _NAMED_BY_MESSAGE.items():
        if (of, general) == (op, code) and words in message:
            return f"{code} {which}"
    return code


def _is_skewed(date: str) -> bool:
    """Return whether a reply's date is far from the clock that the SDK signs with."""
    try:
        returned = parsedate_to_datetime(date)
        return bool(abs((returned - get_current_datetime(remove_tzinfo=False)).total_seconds()) > _SKEW_ALLOWED_SECONDS)
    except (TypeError, ValueError):  # no date, or none with a zone
        return False
