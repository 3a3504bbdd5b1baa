"""100,000 Google Cloud assets at 50 ms a page, several projects at once, through the real client and parser.

`python -m bench.gcp_assets`; the pages are made before the clock starts, by a server in a process of its own.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
from google.cloud.asset_v1 import ContentType, ListAssetsRequest, ListAssetsResponse
from google.protobuf import json_format  # type: ignore[import-untyped]
from google.protobuf.timestamp_pb2 import Timestamp  # type: ignore[import-untyped]

from bench.measured import Measure, run
from clouds.gcp.login import Login, open_client, place
from collectors.gcp import resource_types
from collectors.gcp.collector import GcpCollector
from model.asset import Asset, Listing
from pipeline.clock import SystemClock
from pipeline.process import begin

PROJECTS = 8
_PAGE = 1000
_PAGE_SECONDS = 0.05
_HELD = {"RESOURCE": "resource", "IAM_POLICY": "iamPolicy"}

Row = dict[str, Any]
Pages = dict[tuple[str, str, str], bytes]


def assets(project: str, count: int) -> Iterator[Row]:
    """Yield assets as a project has them: of each ten, what their APIs return of them; every third with a policy."""
    for number in range(count):
        kind, name, data = _KINDS[number % len(_KINDS)](project, f"r{number:06}")
        row: Row = {
            "name": name,
            "assetType": kind,
            "ancestors": ["projects/100200300", "folders/71", "organizations/700"],
            "resource": {
                "version": "v1",
                "discoveryName": kind.rsplit("/", 1)[-1],
                "parent": f"//cloudresourcemanager.googleapis.com/projects/{project}",
                "location": "asia-northeast1",
                "data": data,
            },
        }
        if number % 3 == 0:
            member = f"serviceAccount:job-{number % 50}@{project}.iam.gserviceaccount.com"
            row["iamPolicy"] = {"etag": "CAI=", "bindings": [{"role": "roles/viewer", "members": [member]}]}
        yield row


def _bucket(project: str, name: str) -> tuple[str, str, Row]:
    data = {
        "kind": "storage#bucket",
        "id": f"{project}-{name}",
        "selfLink": f"https://www.googleapis.com/storage/v1/b/{project}-{name}",
        "name": f"{project}-{name}",
        "projectNumber": 100200300,
        "metageneration": 3,
        "location": "ASIA-NORTHEAST1",
        "storageClass": "STANDARD",
        "etag": "CAM=",
        "timeCreated": "2024-03-01T10:20:30.123Z",
        "updated": "2024-05-01T10:20:30.123Z",
        "iamConfiguration": {
            "uniformBucketLevelAccess": {"enabled": True, "lockedTime": "2024-08-01T10:20:30.123Z"},
            "publicAccessPrevention": "enforced",
        },
        "locationType": "region",
        "labels": {"team": "shop", "env": "prod"},
        "versioning": {"enabled": True},
        "encryption": None,
    }
    return "storage.googleapis.com/Bucket", f"//storage.googleapis.com/{project}-{name}", data


def _disk(project: str, name: str) -> tuple[str, str, Row]:
    link = f"https://www.googleapis.com/compute/v1/projects/{project}"
    data = {
        "kind": "compute#disk",
        "id": "123456789012345678",
        "name": name,
        "creationTimestamp": "2024-03-01T10:20:30.123-08:00",
        "sizeGb": "50",
        "status": "READY",
        "type": f"{link}/zones/asia-northeast1-a/diskTypes/pd-balanced",
        "zone": f"{link}/zones/asia-northeast1-a",
        "selfLink": f"{link}/zones/asia-northeast1-a/disks/{name}",
        "users": [f"{link}/zones/asia-northeast1-a/instances/{name}"],
        "labelFingerprint": "42WmSpB8rSM=",
        "physicalBlockSizeBytes": "4096",
        "licenses": ["https://www.googleapis.com/compute/v1/projects/debian-cloud/global/licenses/debian-12"],
    }
    return "compute.googleapis.com/Disk", f"//compute.googleapis.com/projects/{project}/zones/a/disks/{name}", data


def _instance(project: str, name: str) -> tuple[str, str, Row]:
    link = f"https://www.googleapis.com/compute/v1/projects/{project}"
    data = {
        "kind": "compute#instance",
        "id": "123456789012345678",
        "name": name,
        "creationTimestamp": "2024-03-01T10:20:30.123-08:00",
        "machineType": f"{link}/zones/asia-northeast1-a/machineTypes/e2-medium",
        "status": "RUNNING",
        "zone": f"{link}/zones/asia-northeast1-a",
        "canIpForward": False,
        "networkInterfaces": [
            {
                "name": "nic0",
                "network": f"{link}/global/networks/default",
                "subnetwork": f"{link}/regions/asia-northeast1/subnetworks/default",
                "networkIP": "10.146.0.5",
                "accessConfigs": [{"name": "External NAT", "type": "ONE_TO_ONE_NAT", "natIP": "203.0.113.5"}],
            }
        ],
        "disks": [{"autoDelete": True, "boot": True, "deviceName": name, "mode": "READ_WRITE", "type": "PERSISTENT"}],
        "metadata": {"fingerprint": "a=", "items": [{"key": "enable-oslogin", "value": "TRUE"}]},
        "serviceAccounts": [
            {
                "email": f"app@{project}.iam.gserviceaccount.com",
                "scopes": ["https://www.googleapis.com/auth/cloud-platform"],
            }
        ],
        "shieldedInstanceConfig": {"enableSecureBoot": True, "enableVtpm": True, "enableIntegrityMonitoring": True},
        "scheduling": {"onHostMaintenance": "MIGRATE", "automaticRestart": True, "preemptible": False},
        "tags": {"items": ["web"], "fingerprint": "42WmSpB8rSM="},
        "selfLink": f"{link}/zones/asia-northeast1-a/instances/{name}",
    }
    full = f"//compute.googleapis.com/projects/{project}/zones/a/instances/{name}"
    return "compute.googleapis.com/Instance", full, data


def _table(project: str, name: str) -> tuple[str, str, Row]:
    data = {
        "kind": "bigquery#table",
        "id": f"{project}:sales.{name}",
        "tableReference": {"projectId": project, "datasetId": "sales", "tableId": name},
        "type": "TABLE",
        "creationTime": "1709288430123",
        "lastModifiedTime": "1709288430123",
        "location": "asia-northeast1",
        "numBytes": "1024000",
        "schema": {"fields": [{"name": "day", "type": "DATE"}, {"name": "amount", "type": "NUMERIC"}]},
    }
    full = f"//bigquery.googleapis.com/projects/{project}/datasets/sales/tables/{name}"
    return "bigquery.googleapis.com/Table", full, data


def _key(project: str, name: str) -> tuple[str, str, Row]:
    path = f"projects/{project}/serviceAccounts/app@{project}.iam.gserviceaccount.com/keys/{name}"
    data = {
        "name": path,
        "keyAlgorithm": "KEY_ALG_RSA_2048",
        "keyOrigin": "GOOGLE_PROVIDED",
        "keyType": "SYSTEM_MANAGED",
        "validAfterTime": "2024-03-01T10:20:30Z",
        "validBeforeTime": "2024-03-18T10:20:30Z",
    }
    return "iam.googleapis.com/ServiceAccountKey", f"//iam.googleapis.com/{path}", data


def _account(project: str, name: str) -> tuple[str, str, Row]:
    email = f"{name}@{project}.iam.gserviceaccount.com"
    data = {
        "name": f"projects/{project}/serviceAccounts/{email}",
        "displayName": name,
        "email": email,
        "projectId": project,
        "uniqueId": "100000000000000000001",
        "oauth2ClientId": "100000000000000000001",
    }
    full = f"//iam.googleapis.com/projects/{project}/serviceAccounts/{name}"
    return "iam.googleapis.com/ServiceAccount", full, data


def _service(project: str, name: str) -> tuple[str, str, Row]:
    path = f"projects/100200300/services/{project}-{name}.googleapis.com"
    data = {"name": path, "parent": "projects/100200300", "state": "ENABLED"}
    return "serviceusage.googleapis.com/Service", f"//serviceusage.googleapis.com/{path}", data


def _thing(project: str, name: str) -> tuple[str, str, Row]:
    data = {"name": name, "state": "ACTIVE", "settings": {"size": 3, "zone": "a"}, "createTime": "2024-03-01T10:20:30Z"}
    return "example.googleapis.com/Thing", f"//example.googleapis.com/projects/{project}/things/{name}", data


_KINDS = (_bucket, _disk, _instance, _table, _key, _account, _service, _thing, _disk, _table)


def pages(count: int) -> tuple[Pages, float]:
    """Return every page of the projects in the protocol's bytes, and how many values an asset has on average."""
    made: Pages = {}
    values = 0
    for number in range(PROJECTS):
        project = f"bench-{number}"
        rows = list(assets(project, count // PROJECTS))
        values += sum(_values(row["resource"]["data"]) for row in rows)
        for content, held in _HELD.items():
            shown = [{key: row[key] for key in ("name", "assetType", "ancestors", held)} for row in rows if held in row]
            for start in range(0, len(shown), _PAGE):
                more = str(start + _PAGE) if start + _PAGE < len(shown) else ""
                made[f"projects/{project}", content, str(start or "")] = _page(shown[start : start + _PAGE], more)
    return made, values / count


def _values(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(_values(each) for each in inner)


def _page(rows: list[Row], token: str) -> bytes:
    said = ListAssetsResponse.pb()(read_time=Timestamp(seconds=1_780_000_000), next_page_token=token)
    for row in rows:
        json_format.ParseDict(row, said.assets.add())
    return bytes(said.SerializeToString())


def serve(count: int) -> None:
    """Serve the pages until the standard input ends; then report how many requests were served."""
    made, values = pages(count)
    served = 0

    def answer(request: Any, _context: grpc.ServicerContext) -> bytes:
        nonlocal served
        served += 1
        time.sleep(_PAGE_SECONDS)
        page = (request.parent, ContentType(request.content_type).name, request.page_token)
        return made.get(page) or _page([], "")

    handler = grpc.unary_unary_rpc_method_handler(answer, request_deserializer=ListAssetsRequest.pb().FromString)
    generic = grpc.method_handlers_generic_handler("google.cloud.asset.v1.AssetService", {"ListAssets": handler})
    server = grpc.server(ThreadPoolExecutor(32), handlers=[generic], options=[("grpc.max_send_message_length", -1)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    size = sum(map(len, made.values()))
    print(f"127.0.0.1:{port}|{values:.0f} values an asset, {size / 1e6:.0f} MB in {len(made)} pages", flush=True)
    sys.stdin.read()
    server.stop(0).wait()
    print(served, flush=True)


def look(share: int, shares: int) -> None:
    """Look at a share of the projects at once, each in a thread of its own; print assets and failed listings."""
    begin()
    types = resource_types.load()
    opened = open_client(Login(), SystemClock())

    def one(number: int) -> tuple[int, int]:
        seen, failed = 0, 0
        for event in GcpCollector(opened, place(f"projects/bench-{number}"), types).collect():
            seen += isinstance(event, Asset) and not event.unknown
            failed += isinstance(event, Listing) and bool(event.cause)
        return seen, failed

    mine = range(share, PROJECTS, shares)
    began = time.monotonic()
    with ThreadPoolExecutor(PROJECTS) as threads:
        said = list(threads.map(one, mine))
    print(sum(seen for seen, _ in said), sum(failed for _, failed in said), round(time.monotonic() - began, 2))


@contextmanager
def serving(count: int) -> Iterator[tuple["subprocess.Popen[str]", str, str]]:
    """Run the server in a process of its own; yields it, its address, and what it says of its pages."""
    command = [sys.executable, "-m", "bench.gcp_assets", "serve", str(count)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None, "it is a pipe"
        endpoint, _, said = process.stdout.readline().strip().partition("|")
        yield process, endpoint, said
    finally:
        process.kill()
        process.wait()


def measured(endpoint: str, processes: int, folder: Path) -> str:
    """Run the look in so many processes; return what they took together."""

    def one(share: int) -> Measure:
        command = [sys.executable, "-m", "bench.gcp_assets", "look", str(share), str(processes)]
        return run(command, {**os.environ, "HINOMI_GCP_ENDPOINT": endpoint}, folder / f"log{share}")

    with ThreadPoolExecutor(processes) as threads:
        took = list(threads.map(one, range(processes)))
    said = [[float(word) for word in each.said.split()] for each in took]
    return (
        f"{sum(each[0] for each in said):.0f} assets whole, {sum(each[1] for each in said):.0f} listings failed; "
        f"looking {max(each[2] for each in said):.1f} s; with start wall {max(each.wall for each in took):.1f} s, "
        f"cpu {sum(each.cpu for each in took):.1f} s, rss {sum(each.rss_mb for each in took):.0f} MB"
    )


def main(counts: list[int]) -> None:
    """Measure each number of assets in one process and in two, and print."""
    for count in counts:
        for processes in (1, 2):
            with tempfile.TemporaryDirectory() as folder, serving(count) as (process, endpoint, said):
                took = measured(endpoint, processes, Path(folder))
                served = process.communicate()[0].strip()
            print(f"{count} assets ({said}), {processes} process(es): {took}; {served} requests served", flush=True)


if __name__ == "__main__":
    words = sys.argv[1:] or ["10000", "100000"]
    if words[0] == "serve":
        serve(int(words[1]))
    elif words[0] == "look":
        look(int(words[1]), int(words[2]))
    else:
        main([int(word) for word in words])
