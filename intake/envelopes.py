"""What events are wrapped in on their way, and how it is taken off: a small function each.

An envelope is known by one key (`model.log_source.ENVELOPE_KEYS`). What stands under it is of the envelope's form, else
the envelope is broken. What is inside is read like what came by itself, so that envelopes may be nested.

- `cloudtrail-records`: {"Records": […]}, CloudTrail's files in S3
  (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-examples.html)
- `lookup-events`, `lookup-event`: {"Events": [{"CloudTrailEvent": "…"}]}, a reply of LookupEvents, and one of its rows
  (https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_Event.html)
- `cloudwatch-subscription`: {"messageType": "DATA_MESSAGE", "logEvents": [{"message": "…"}]}
  (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html)
- `azure-records`: {"records": […]}, Azure Monitor to event hubs
  (https://learn.microsoft.com/azure/azure-monitor/platform/stream-monitoring-data-event-hubs)
- `aks-log`: {"category": "kube-audit", "properties": {"log": "…"}}, one record of Azure Monitor's of an AKS cluster
  (https://learn.microsoft.com/azure/aks/monitor-aks-reference)
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from model.log_source import EnvelopeName

CONTROL = "CONTROL_MESSAGE"
# What is inside; None stands for one that is not as the envelope has them.
Inner: TypeAlias = Iterator[bytes | Raw | None]


class _Log(Struct, frozen=True):
    log: str | None = None


class _Message(Struct, frozen=True):
    message: str


_MESSAGE = msgspec.json.Decoder(_Message)


class Envelope(Struct, frozen=True):
    """The form of what stands under an envelope's key, and how it is opened: None where it is no such envelope.

    `many` says whether it holds a list, in which each has its number; `as_text` whether what is inside stands in a
    text, in which each of its characters may be escaped.
    """

    form: Any
    opened: Callable[[Any], Inner | None]
    many: bool = True
    as_text: bool = False


def _elements(raws: list[Raw]) -> Inner:
    yield from raws


def _messages(raws: list[Raw]) -> Inner:
    for raw in raws:
        try:
            yield _MESSAGE.decode(raw).message.encode()
        except (ValueError, RecursionError):
            yield None


def _text(event: str | None) -> Inner | None:
    return None if event is None else iter([event.encode()])


def _log(properties: _Log | None) -> Inner | None:
    return _text(properties.log) if properties else None


ENVELOPES: Mapping[EnvelopeName, Envelope] = {
    "aks-log": Envelope(_Log | None, _log, many=False, as_text=True),
    "azure-records": Envelope(list[Raw], _elements),
    "cloudtrail-records": Envelope(list[Raw], _elements),
    "cloudwatch-subscription": Envelope(list[Raw], _messages, as_text=True),
    "lookup-event": Envelope(str | None, _text, many=False, as_text=True),
    "lookup-events": Envelope(list[Raw], _elements),
}


def field_of(envelope: EnvelopeName) -> Any:
    """Return the type of the field under an envelope's key, which a document need not have."""
    return ENVELOPES[envelope].form | UnsetType


def opened(envelope: EnvelopeName, value: Any) -> Inner | None:
    """Return what is inside an envelope by the `value` under its key; None where it is not that envelope."""
    return None if value is UNSET else ENVELOPES[envelope].opened(value)
