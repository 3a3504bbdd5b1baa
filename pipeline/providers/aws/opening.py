"""Opens clients of AWS accounts."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from clouds.aws import organization as aws_organization
from clouds.aws.login import Login, account_of, locate, session
from clouds.aws.queue import Queue, QueuePlace
from clouds.aws.read import AwsClient
from clouds.aws.trail_objects import TRAIL_FOLDER, TrailPlace, delivered
from clouds.aws.write import AwsWriteClient
from collectors.aws.collector import AwsCollector
from collectors.aws.resource_types import ResourceType
from model.clock import Clock
from model.fault import Refused
from model.log_feed import Delivered
from model.tenant import AwsLogs, AwsOrganization, AwsScope
from pipeline.providers.provider import DeliveryQuery, FeedOf, Members, ScopeOf


def connect(scope: ScopeOf[AwsScope], types: Sequence[ResourceType], clock: Clock) -> AwsCollector:
    """Return the collector of the scope's account for these types; it waits between tries by the clock.

    Raises `Refused` where the credentials lead to another account.
    """
    access = scope.access
    login = Login(scope.secrets.profile(access.profile), access.role or "", access.external_id or "")
    client = AwsClient(session(login, clock), clock)
    place = locate(client, tuple(access.regions))
    if place.account != scope.id:
        raise Refused(
            f"the credentials for the scope {scope.id} lead to the account {place.account}; "
            "give the scope its own 'role' or 'profile'"
        )
    return AwsCollector(client, place, types)


def connect_write(scope: ScopeOf[AwsScope], actions: Sequence[str], clock: Clock) -> AwsWriteClient:
    """Return the client for changes in the scope's account, narrowed to these IAM actions.

    A role's session is narrowed by a session policy; a profile has what it has. The clock waits between tries. Raises
    `Refused` where none is given, or it leads to another account.
    """
    write = scope.access.write
    if write is None:
        raise Refused(f"nothing can be changed in the account {scope.id}; give the scope 'write' (docs/tenants.md)")
    statement = {"Effect": "Allow", "Action": sorted(actions), "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))
    profile, role = scope.secrets.profile(write.profile), write.role or ""
    login = Login(profile, role, write.external_id or "", policy if role else "")
    client = AwsWriteClient(session(login, clock), clock)
    if (account := account_of(client)) != scope.id:
        raise Refused(f"the credentials for changes in {scope.id} lead to the account {account}")
    return client


def open_feed(feed: FeedOf[AwsLogs], clock: Clock) -> Queue:
    """Return a feed, entered by its own login; its client waits between tries by the clock.

    Raises `Refused` where the credentials cannot be used, or lead to another account than the queue's.
    """
    logs = feed.access
    return Queue(_client_of(feed, clock), QueuePlace(logs.queue, logs.region, frozenset(logs.buckets)))


def delivered_to_buckets(feed: FeedOf[AwsLogs], query: DeliveryQuery, clock: Clock) -> dict[str, Delivered]:
    """Return what CloudTrail delivered to a feed's buckets in a query's time, by bucket.

    CloudTrail's folder may have a prefix, which known keys have too. Raises `Refused` as `open_feed`, and
    `CallFailed`; the clock waits between tries.
    """
    client, found = _client_of(feed, clock), dict[str, Delivered]()
    for bucket in feed.access.buckets:
        known = (key.partition(TRAIL_FOLDER) for key in query.known.get(bucket, ()))
        prefixes = sorted({TRAIL_FOLDER, *(f"{prefix}{folder}" for prefix, folder, _ in known if folder)})
        place = TrailPlace(bucket, feed.access.region, prefixes)
        found[bucket] = delivered(client, place, query.since, query.until)
    return found


def _client_of(feed: FeedOf[AwsLogs], clock: Clock) -> AwsClient:
    logs = feed.access
    login = Login(feed.secrets.profile(logs.profile), logs.role or "", logs.external_id or "")
    client = AwsClient(session(login, clock), clock)
    if (account := account_of(client)) != logs.aws:
        raise Refused(
            f"the credentials for the queue of {logs.aws} lead to the account {account}; "
            "give the logs their own 'role' or 'profile'"
        )
    return client


def looks(asked: Mapping[str, Any], types: Sequence[ResourceType], clock: Clock) -> list[AwsCollector]:
    """Return the collector of whatever account the options that were asked for lead to; it is for these types.

    The clock waits between tries. Raises `Refused` where the credentials cannot be used.
    """
    client = AwsClient(session(Login(asked["profile"], asked["role"], asked["external_id"]), clock), clock)
    return [AwsCollector(client, locate(client, tuple(asked["region"])), types)]


def list_members(organization: AwsOrganization, external_id: str, clock: Clock) -> Members:
    """Return an organization's accounts; raises `Refused` where they cannot be listed.

    Its role asks for the external id; the clock waits between tries.
    """
    login = Login("", organization.role, external_id)
    client = AwsClient(session(login, clock), clock)
    listed = aws_organization.accounts(client, organization.role.split(":")[1])
    return Members(
        active=sorted(account for account, state in listed.items() if state == aws_organization.ACTIVE),
        resting={
            account: f"the account is {state} in its organisation"
            for account, state in sorted(listed.items())
            if state not in (aws_organization.ACTIVE, aws_organization.CLOSED)
        },
    )
