"""How fast pieces are searched for critical events, beside `orjson.loads`, `re` and repeated `bytes.find` on the same.

The traffic is ordinary and has no critical event: all of it is searched, and whatever is found is found wrongly. The
peers' `re` and `find` look for the bare texts of critical types in any case, knowing no escapes: they find less.
"""

import json
import re
import time
from collections.abc import Callable, Sequence
from statistics import median

import msgspec
import orjson
from msgspec import Struct

from bench.log_reading import document
from catalog import sources
from catalog.folder import config_folder
from intake.lane import CriticalSigns
from intake.limits import LIMITS
from model.log_source import LogSource

_ROUNDS = 5
_BODY = 512 * 1024  # bytes of lines in one piece, as they are pushed
_CALLS = ("DescribeInstances", "AssumeRole", "GetObject", "PutObject", "Decrypt", "ListBuckets", "DescribeTrails")
# What the parts of a cluster ask of its API server all day; none of it is critical.
_REQUESTS = (
    *("update leases", "get leases", "create events", "list events", "create tokenreviews", "create pods"),
    *(
        "create subjectaccessreviews",
        "create pods/binding",
        "watch pods",
        "list pods",
        "patch pods/status",
        "delete pods",
    ),
    *("get secrets", "watch secrets", "get configmaps", "watch configmaps", "list rolebindings", "get serviceaccounts"),
    *("watch clusterrolebindings", "watch certificatesigningrequests", "watch mutatingwebhookconfigurations"),
    *("update endpointslices", "patch nodes/status", "update deployments/status"),
)


class _Traffic(Struct, frozen=True):
    """Ordinary traffic of a source: bodies as they come, and the lines or records in them."""

    name: str
    source: str
    bodies: Sequence[bytes]
    records: Sequence[bytes]


def main() -> None:
    """Print MB/s of unpacked bytes, medians of rounds in turn by processor time, and what is found wrongly."""
    known = sources.load(config_folder())
    for traffic in _cloudtrail(), *_kubernetes():
        _compare(traffic, known[traffic.source])


def _compare(traffic: _Traffic, source: LogSource) -> None:
    signs, texts = CriticalSigns(source), [word.encode() for word in _words(source)]
    pattern = re.compile(b"|".join(map(re.escape, texts)), re.IGNORECASE)

    def ours(body: bytes) -> object:
        return signs.may_hold(body[at : at + LIMITS.chunk] for at in range(0, len(body), LIMITS.chunk))

    def find(body: bytes) -> object:
        lower = body.lower()
        return [lower.count(text) for text in texts]  # to the end, as where nothing is found

    ways: dict[str, Callable[[bytes], object]] = {
        "ours": ours,
        "orjson": _parsed,
        "re": pattern.findall,
        "find": find,
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    size = sum(map(len, traffic.bodies))
    for _ in range(_ROUNDS):
        for name, way in ways.items():
            began = time.process_time()
            for body in traffic.bodies:
                way(body)
            rates[name].append(size / 1e6 / (time.process_time() - began))
    mine = median(rates["ours"])
    others = ", ".join(f"{name} {median(rate):,.0f} (1 : {mine / median(rate):.1f})" for name, rate in rates.items())
    records = sum(map(signs.may_hold, ([one] for one in traffic.records)))
    bodies = sum(map(bool, map(ours, traffic.bodies)))
    print(f"{traffic.name}, {size / 1e6:.1f} MB: MB/s {others}")
    print(f"  wrongly: {records} of {len(traffic.records):,} records, {bodies} of {len(traffic.bodies)} bodies")


def _parsed(body: bytes) -> None:
    for line in body.splitlines():
        document = orjson.loads(line)
        if isinstance(document, dict):
            for event in document.get("logEvents", ()):
                orjson.loads(event["message"])


def _words(source: LogSource) -> list[str]:
    """Return the critical types, or for those that are put together what they are about: the last word."""
    types = [one.type.removesuffix("*").lower() for one in source.critical]
    composed = "{" in source.event.type[0]
    return sorted({re.split("[ /]", type_)[-1] if composed else type_ for type_ in types})


def _cloudtrail() -> _Traffic:
    bodies = [document(number, _CALLS) for number in range(6)]
    form = msgspec.json.Decoder(dict[str, list[msgspec.Raw]])
    records = [bytes(one) for body in bodies for one in form.decode(body)["Records"]]
    return _Traffic("CloudTrail's files", "aws.cloudtrail", bodies, records)


def _kubernetes() -> list[_Traffic]:
    # The API server is written in Go, whose JSON escapes `&`.
    lines = [msgspec.json.encode(_event(number)).replace(b"&", rb"\u0026") for number in range(6_000)]
    size = _BODY // len(lines[0])
    parts = [lines[at : at + size] for at in range(0, len(lines), size)]
    source = "kubernetes.audit"
    return [
        _Traffic("Kubernetes audit, lines", source, [b"\n".join(part) for part in parts], lines),
        _Traffic("the same by CloudWatch", source, [_subscription(part) for part in parts], lines),
        _Traffic(
            "the same as a list of 10", source, [_listed(lines[at : at + 10]) for at in range(0, 6_000, 10)], lines
        ),
    ]


def _listed(lines: Sequence[bytes]) -> bytes:
    return b"[" + b",".join(lines) + b"]"


def _subscription(lines: Sequence[bytes]) -> bytes:
    events = [{"id": str(number), "timestamp": 1, "message": line.decode()} for number, line in enumerate(lines)]
    return json.dumps({"messageType": "DATA_MESSAGE", "logEvents": events}, separators=(",", ":")).encode()


def _event(number: int) -> dict[str, object]:
    """Return an event of level Metadata, 1.1 KB, as of the audit's reference."""
    mixed = number * 0x9E3779B97F4A7C15 % 2**64
    verb, _, what = _REQUESTS[mixed % len(_REQUESTS)].partition(" ")
    resource, _, subresource = what.partition("/")
    name, account = f"{resource}-{mixed:x}", f"system:serviceaccount:kube-system:account-{mixed % 30}"
    reason = (
        f'RBAC: allowed by ClusterRoleBinding "binding-{mixed % 30}" of ClusterRole "role-{mixed % 30}" to {account}'
    )
    about = {
        "resource": resource,
        "namespace": "kube-system",
        "name": name,
        "apiGroup": "example.io",
        "apiVersion": "v1",
    }
    return {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": f"{mixed:016x}-{number:x}",
        "stage": "ResponseComplete",
        "requestURI": f"/apis/example.io/v1/namespaces/kube-system/{what}/{name}?timeout=10s&watch=true",
        "verb": verb,
        "user": {
            "username": account,
            "uid": f"{mixed:032x}",
            "groups": ["system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"],
            "extra": {"authentication.kubernetes.io/pod-name": [f"pod-{mixed % 90}"]},
        },
        "sourceIPs": [f"198.51.{mixed % 251}.{mixed % 241}"],
        "userAgent": "kube-controller-manager/v1.29.4 (linux/amd64) kubernetes/55019c8",
        "objectRef": about | ({"subresource": subresource} if subresource else {}),
        "responseStatus": {"metadata": {}, "code": 200},
        "requestReceivedTimestamp": "2026-11-30T10:00:00.000001Z",
        "stageTimestamp": "2026-11-30T10:00:00.250000Z",
        "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": reason},
    }


if __name__ == "__main__":
    main()
