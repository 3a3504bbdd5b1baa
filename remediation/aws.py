"""What playbooks of AWS share."""

from collections.abc import Collection, Mapping
from typing import Any

from clouds.aws.login import home_region
from clouds.call_failed import CallFailed
from model.asset import Asset
from model.call import Call, WriteCloud
from model.canonical import plain
from remediation.playbook import Body, Gone

# The four settings of S3 Block Public Access (Amazon S3 API, PublicAccessBlockConfiguration).
S3_SWITCHES = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")


def detail(cloud: WriteCloud, call: Call, name: str, key: str, absent: Collection[str] = ()) -> Body:
    """Return one field of a body, `name`, by the call that the collector makes for it; raises `Gone` and `CallFailed`.

    Its value stands under the `key` of the cloud's reply. It is left out where the code is one of `absent`, or the key
    is not there.
    """
    try:
        reply = asked(cloud, call)
    except CallFailed as failure:
        if failure.code in absent:
            return {}
        raise
    return {name: reply[key]} if key in reply else {}


def asked(cloud: WriteCloud, call: Call) -> dict[str, Any]:
    """Return a reply in JSON's values; raises `Gone` where the resource is not there, and `CallFailed`."""
    try:
        reply: dict[str, Any] = plain(cloud.ask(call))
    except CallFailed as failure:
        if failure.code in _GONE:
            raise Gone from None
        raise
    return {name: value for name, value in reply.items() if name != "ResponseMetadata"}


_GONE = frozenset({"NoSuchBucket", "NoSuchEntity", "InvalidGroup.NotFound", "InvalidInstanceID.NotFound"})


def region_of(asset: Asset) -> str:
    """Return the region to ask about an asset: its own, or the one where its partition's global services are."""
    return home_region(asset.resource.split(":")[1]) if asset.region == "global" else asset.region


def last_part(asset: Asset) -> str:
    """Return the id at the end of an ARN."""
    return asset.resource.rsplit("/", 1)[-1]


def ending_in(grant: Mapping[str, Any], ends: tuple[str, ...]) -> bool:
    """Return whether a grant of an ACL is to one of these groups."""
    return str(grant.get("Grantee", {}).get("URI", "")).endswith(ends)
