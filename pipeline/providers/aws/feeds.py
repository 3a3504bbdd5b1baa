"""Monitoring logs that lie in S3 and are announced by SQS: what a tenant's file says of them, what their role needs."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from model.fault import Refused
from model.tenant import AwsLogs, BucketName, QueueUrl, Tenant
from pipeline.providers.aws.logins import asking_for, login_faults
from pipeline.providers.provider import DeliveryQuery, FeedOf, Role

if TYPE_CHECKING:
    from catalog.yaml_reader import Document
    from model.clock import Clock
    from model.fault import Fault
    from model.log_feed import Delivered, LogFeed

_NAME = "aws"


def feeds_of(tenant: Tenant, external_id: str) -> Iterator[FeedOf[AwsLogs]]:
    """Yield the feeds of a tenant's file, whose roles are asked for with an external id."""
    for logs in tenant.logs or ():
        yield FeedOf(_NAME, logs.queue, logs.source, asking_for(logs, external_id))


def enter(feed: FeedOf[AwsLogs], clock: "Clock") -> "LogFeed":
    """Return a feed, entered; its client waits between tries by the clock. Raises as `open_feed` does."""
    from pipeline.providers.aws.opening import open_feed

    return open_feed(feed, clock)


def delivered(feed: FeedOf[AwsLogs], query: DeliveryQuery, clock: "Clock") -> "dict[str, Delivered]":
    """Return what CloudTrail delivered to a feed's buckets, by bucket; raises as `delivered_to_buckets` does.

    The query says when, the clock waits between tries.
    """
    from pipeline.providers.aws.opening import delivered_to_buckets

    return delivered_to_buckets(feed, query, clock)


def alone(tenant: Tenant) -> Iterator[str]:
    """Yield what may be of one tenant's feeds alone: its queues, and its buckets."""
    for logs in tenant.logs or ():
        yield f"the queue {logs.queue}"
        yield from (f"the bucket {bucket}" for bucket in logs.buckets)


def faults(document: "Document", tenant: Tenant) -> "Iterator[Fault]":
    """Yield what is wrong with the feeds of a tenant's file beyond the form."""
    seen: set[str] = set()
    of_others = _roles_of_others(tenant)
    for number, logs in enumerate(tenant.logs or ()):
        place = ("logs", number)
        if problem := _source_fault(logs.source):
            yield document.fault((*place, "source"), problem)
        if logs.queue.split("/")[-2] != logs.aws:
            yield document.fault((*place, "queue"), f"is not a queue of the account {logs.aws}")
        if logs.queue in seen:
            yield document.fault((*place, "queue"), f"the queue {logs.queue} stands twice")
        seen.add(logs.queue)
        for at, bucket in enumerate(logs.buckets):
            if bucket in logs.buckets[:at]:
                yield document.fault((*place, "buckets", at), f"the bucket {bucket} stands twice")
        yield from login_faults(document, place, logs, logs.aws)
        if logs.role in of_others:
            problem = "reads or changes resources already; give the logs a role of their own, which may do nothing else"
            yield document.fault((*place, "role"), problem)


def _source_fault(source: str) -> str:
    from catalog.sources import shipped

    ours = [one.id for one in shipped().values() if one.provider == _NAME]
    if source not in shipped():
        return f"there is no source {source!r}; known are {', '.join(ours)}"
    return "" if source in ours else f"{source!r} is a source of another cloud's; known here are {', '.join(ours)}"


def _roles_of_others(tenant: Tenant) -> set[str]:
    """Return the roles that the tenant's file names for something else than logs."""
    roles = [login.role for scope in tenant.scopes for login in (scope, scope.write) if login]
    return {role for role in [*roles, *(one.role for one in tenant.organizations)] if role}


def role(queue: str, buckets: Sequence[str]) -> Role:
    """Return the policy that the role of a feed needs, for the URL of its queue and its buckets.

    By s3:ListBucket it is known what was not fetched, and whether an object is gone or must not be read
    (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html, «Permissions»). Raises `Refused` for what is no
    queue's URL or no bucket's name.
    """
    logs = _logs(queue, buckets)
    arns = [f"arn:{logs.partition}:s3:::{bucket}" for bucket in logs.buckets]
    receive = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
    allowed = [
        ("HinomiAnnouncements", receive, [logs.queue_arn]),
        ("HinomiLogs", ["s3:GetObject"], [f"{arn}/*" for arn in arns]),
        ("HinomiLogsGone", ["s3:ListBucket"], arns),
    ]
    statements = [
        {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources} for sid, actions, resources in allowed
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def _logs(queue: str, buckets: Sequence[str]) -> AwsLogs:
    wanted: list[tuple[str, Any, str]] = [
        (queue, QueueUrl, "no URL of an SQS queue: https://sqs.REGION.amazonaws.com/…")
    ]
    for text, form, problem in [*wanted, *((bucket, BucketName, "no name of an S3 bucket") for bucket in buckets)]:
        try:
            msgspec.convert(text, form)
        except msgspec.ValidationError:
            raise Refused(f"{text!r} is {problem}") from None
    return AwsLogs("", queue.split("/")[-2], queue, list(buckets))
