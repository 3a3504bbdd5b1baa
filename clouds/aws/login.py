"""How an AWS account is entered, and where it is looked at."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import botocore.credentials
import botocore.exceptions
import botocore.session
from msgspec import Struct

from clouds.aws.credentials import AssumedRole
from clouds.aws.faults import CLOCK_SKEW
from clouds.aws.read import AwsClient
from clouds.aws.replies import field
from clouds.aws.service_models import shared_loader
from clouds.call_failed import CallFailed
from model.asset import Place
from model.clock import Clock
from model.fault import Refused

_HOME_REGIONS = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
_NOT_ALLOWED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})


class Login(Struct, frozen=True):
    """Where credentials come from: the environment, a profile, a role assumed with an external id.

    `session_policy` narrows the role to what one plan needs (IAM policy as JSON, at most 2,048 characters).
    """

    profile: str = ""
    role_arn: str = ""
    external_id: str = ""
    session_policy: str = ""


def session(login: Login, clock: Clock) -> botocore.session.Session:
    """Return a session for a login; raises `Refused` for a profile that does not exist."""
    try:
        base = bare_session(login.profile or None)
        if not login.role_arn:
            return base
        credentials = base.get_credentials()
    except botocore.exceptions.ProfileNotFound:
        name = login.profile or os.environ.get("AWS_PROFILE", "")
        raise Refused(f"the AWS profile {name!r} does not exist; see `aws configure list-profiles`") from None
    except botocore.exceptions.BotoCoreError as problem:
        raise Refused(f"the AWS configuration of this machine cannot be used ({type(problem).__name__})") from None
    if credentials is None:
        raise Refused("no AWS credentials were found; set AWS_PROFILE or AWS_ACCESS_KEY_ID, or pass --profile")
    returned = {"ExternalId": login.external_id, "Policy": login.session_policy}
    extra = {"RoleSessionName": "hinomi"} | {name: value for name, value in returned.items() if value}

    def assume() -> dict[str, Any]:
        fetcher = botocore.credentials.AssumeRoleCredentialFetcher(  # a new one each time: it keeps what it got
            client_creator=partial(base.create_client, region_name=_sts_region(base)),
            source_credentials=credentials,
            role_arn=login.role_arn,
            extra_args=extra,
        )
        return dict(fetcher.fetch_credentials())

    assumed = bare_session(None)
    assumed.register_component("credential_provider", _Resolved(AssumedRole(assume, clock)))
    return assumed


def _sts_region(base: botocore.session.Session) -> str:
    return os.environ.get("AWS_REGION") or base.get_config_variable("region") or "us-east-1"


class _Resolved:
    """A credential resolver with one answer."""

    def __init__(self, credentials: Any) -> None:
        self._credentials = credentials

    def load_credentials(self) -> Any:
        return self._credentials


def bare_session(profile: str | None) -> botocore.session.Session:
    """Return a session on the shared loader; raises ProfileNotFound."""
    made = botocore.session.Session(profile=profile)
    made.register_component("data_loader", shared_loader())
    made.register("before-call.s3-control", _without_account_host)
    if profile:
        made.get_scoped_config()  # raises ProfileNotFound now rather than at the first call
    return made


def _without_account_host(params: dict[str, Any], **_: object) -> None:
    """Take the account's id off a local server's host: 123456789012.127.0.0.1 does not exist.

    The SDK puts it there by S3 Control's endpoint rules, whatever `inject_host_prefix` says.
    """
    params["url"] = re.sub(r"^(https?://)\d{12}\.(?=127\.|localhost\b)", r"\1", params["url"])


def account_of(client: AwsClient) -> str:
    """Return the id of the account that a client has entered; raises `Refused` where the credentials are wrong."""
    region = client.own_region
    with _identifying(region):
        return str(field(client.call("sts", region, "get_caller_identity", {}), "Account"))


@contextmanager
def _identifying(region: str) -> Iterator[None]:
    """Say what to do about credentials that turn out to be wrong; raises `Refused` where they do."""
    try:
        yield
    except CallFailed as failure:
        raise Refused(_identity_problem(failure, region)) from None


def locate(client: AwsClient, regions: tuple[str, ...]) -> Place:
    """Return the account that a client has entered with the regions to look at; none given = all that are enabled.

    Raises `Refused` where the credentials are wrong, or a region that was named does not exist or does not answer.
    """
    home = regions[0] if regions else client.own_region
    with _identifying(home):
        identity = client.call("sts", home, "get_caller_identity", {})
        account, arn = str(field(identity, "Account")), str(field(identity, "Arn"))
    partition = f"{arn}:".split(":")[1]
    enabled, cause = _enabled_regions(client, home, named=bool(regions))
    for region in regions[1:]:
        _enabled_regions(client, region, named=True)
    if regions and not cause and (strange := [r for r in regions if r not in enabled]):
        raise Refused(f"the region {strange[0]!r} is not one of this account's; enabled are {', '.join(enabled)}")
    return Place(
        scope=account,
        account=account,
        account_resource=f"arn:{partition}:iam::{account}:root",
        partition=partition,
        regions=regions or enabled or (home,),
        unread={"regions": cause} if cause and not regions else {},
        partial=bool(cause) or (bool(regions) and set(regions) != set(enabled)),
    )


def home_region(partition: str) -> str:
    """Return the region where a partition's global services answer."""
    return _HOME_REGIONS.get(partition, "us-east-1")


def _enabled_regions(client: AwsClient, region: str, *, named: bool) -> tuple[tuple[str, ...], str]:
    """Return the account's regions as one of them reports, or why they are not known.

    Raises `Refused` where a region that somebody named does not answer.
    """
    try:
        listed = field(client.call("ec2", region, "describe_regions", {}), "Regions")
        return tuple(sorted(str(field(each, "RegionName")) for each in listed)), ""
    except CallFailed as failure:
        if named and failure.code not in _NOT_ALLOWED:
            raise Refused(f"the region {region!r} does not answer ({failure.code}); check its name") from None
        return (), f"ec2:DescribeRegions {failure.code}"


def _identity_problem(failure: CallFailed, region: str) -> str:
    if failure.unreachable or "Timeout" in failure.code:
        return f"AWS does not answer in the region {region!r} ({failure.code}); check the name and the network"
    if CLOCK_SKEW in failure.code:
        return f"AWS does not accept this machine's clock ({failure.code}); set it right"
    if failure.code == "NoCredentialsError":
        return "no AWS credentials were found; set AWS_PROFILE or AWS_ACCESS_KEY_ID, or pass --profile"
    return (
        f"AWS does not accept the credentials ({failure.code}); check the profile, the keys, the role and external id"
    )
