"""100,000 Azure resources by Resource Graph, which answers 15 queries in 5 seconds, each page 50 ms late.

Run: `python -m bench.azure_resources`. This process plays Azure over TLS: pages are prepared beforehand, and a query
beyond the quota is refused (429), so that what the quota's headers say has to be obeyed. A process of its own looks, as
a scan does, and is measured from outside. Beside it ten times fewer resources, to see whether memory grows with them.
"""

import json
import math
import os
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.measured import Measure, run
from demo.stand_ins.azure import Company, Handler, StandIn, Subscription, running
from demo.stand_ins.azure_writes import Answer

RESOURCES, PAGE, DELAY_SECONDS = 100_000, 1_000, 0.05
QUERIES, WINDOW_SECONDS = 15, 5.0
GOAL_SECONDS = 40.0
DIRECTORY, SUBSCRIPTION = "33333333-3333-4333-8333-333333333333", "11111111-1111-4111-8111-111111111111"
_ID = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers/"


def resource(number: int) -> dict[str, Any]:
    """Return one of the resources: half disks, which have no details, the rest of types that no file describes."""
    type_ = "microsoft.compute/disks" if number % 2 else "microsoft.strange/things"
    name = f"r{number:06}"
    properties = {
        "diskSizeGB": 128,
        "diskState": "Attached",
        "encryption": {"type": "EncryptionAtRestWithPlatformKey"},
        "networkAccessPolicy": "DenyAll",
        "publicNetworkAccess": "Disabled",
        "timeCreated": "2026-06-01T00:00:00.0000000+00:00",
        "creationData": {"createOption": "FromImage", "imageReference": {"id": f"{_ID}Microsoft.Compute/images/i"}},
    }
    reported = {
        "id": f"{_ID}{type_}/{name}",
        "name": name,
        "type": type_,
        "location": "japaneast",
        "kind": "",
        "plan": None,
    }
    return reported | {"tags": {"team": f"t{number % 7}"}, "sku": {"name": "Premium_LRS"}, "properties": properties}


class PagedStandIn(StandIn):
    """Resource Graph with prepared pages and a quota."""

    def __init__(self, resources: int) -> None:
        super().__init__(Company(directory=DIRECTORY, subscriptions=[Subscription(id=SUBSCRIPTION)]))
        self.queries = self.refused = 0
        self._total = resources
        self._times: deque[float] = deque(maxlen=QUERIES)
        self._lock = threading.Lock()
        starts = range(0, resources, PAGE)
        self._pages = {start: [resource(n) for n in range(start, min(start + PAGE, resources))] for start in starts}
        self.prepared: dict[int, bytes] = {start: json.dumps(self._page(start)).encode() for start in starts}
        self._pages = {}

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Return a page, or a refusal where the quota is used up."""
        if method != "POST" or "microsoft.resourcegraph" not in target.lower():
            return super().answer(method, target, headers, body)
        asked = json.loads(body)
        with self._lock:
            now = time.monotonic()
            free_in = WINDOW_SECONDS - (now - self._times[0]) if len(self._times) == QUERIES else 0.0
            if free_in > 0:
                self.refused += 1
                return Answer(429, {"error": {"code": "RateLimiting"}}, self._quota(0, free_in))
            self._times.append(now)
            self.queries += 1
            left = QUERIES - sum(now - at < WINDOW_SECONDS for at in self._times)
            resets = WINDOW_SECONDS - (now - self._times[0])
        time.sleep(DELAY_SECONDS)
        if not asked["query"].startswith("resources |"):
            nothing = {"totalRecords": 0, "count": 0, "resultTruncated": "false", "data": []}
            return Answer(200, nothing, self._quota(left, resets))
        page = self.prepared[int((asked.get("options") or {}).get("$skipToken") or 0)]
        return Answer(200, page, self._quota(left, resets))

    def _page(self, start: int) -> dict[str, Any]:
        rows = self._pages[start]
        reported = {"totalRecords": self._total, "count": len(rows), "resultTruncated": "false", "data": rows}
        return reported | ({"$skipToken": str(start + PAGE)} if start + PAGE < self._total else {})

    def _quota(self, left: int, resets: float) -> dict[str, str]:
        span = f"00:00:{max(1, math.ceil(resets)):02}"
        return {"x-ms-user-quota-remaining": str(left), "x-ms-user-quota-resets-after": span}


class PreparedHandler(Handler):
    """Sends what is prepared as it is."""

    def send(self, answer: Answer) -> None:
        """Send one answer."""
        if not isinstance(answer.body, bytes):
            super().send(answer)
            return
        self.send_response(answer.status)
        for name, value in ({"content-type": "application/json"} | answer.headers).items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)


def look() -> None:
    """Look at everything, as a scan does, and print how many assets were seen."""
    from clouds.azure import login as azure_login
    from clouds.azure.clients import Login
    from collectors.azure import resource_types
    from collectors.azure.collector import AzureCollector
    from model.asset import Asset
    from pipeline.clock import SystemClock
    from pipeline.providers.azure.opening import open_client

    client = open_client(Login(), SystemClock())
    types = [type_ for type_ in resource_types.load() if type_.form.table == "resources"]
    collector = AzureCollector(client, azure_login.locate(client, SUBSCRIPTION), types, DIRECTORY)
    assets, causes = 0, set()
    for event in collector.collect():
        if isinstance(event, Asset):
            assets += 1
        elif event.cause:
            causes.add(event.cause)
    print(json.dumps({"assets": assets, "causes": sorted(causes)}))


def measured(resources: int) -> tuple[Measure, PagedStandIn]:
    """Run a look at so many resources in a process of its own."""
    stand_in = PagedStandIn(resources)
    with running(stand_in, PreparedHandler) as environment, tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "bench.azure_resources", "look"]
        return run(command, {**os.environ, **environment}, Path(folder) / "out"), stand_in


def main() -> None:
    """Measure both sizes and print them."""
    for resources in (RESOURCES // 10, RESOURCES):
        took, stand_in = measured(resources)
        reported = json.loads(took.said) if took.exit_code == 0 else {}
        floor = max(0.0, (stand_in.queries - QUERIES) / QUERIES * WINDOW_SECONDS)
        print(
            f"{resources:>7,} resources: {took.wall:.1f} s wall (the quota alone takes {floor:.1f} s), "
            f"{took.cpu:.1f} s CPU, {took.rss_mb:.0f} MB; "
            f"{stand_in.queries} queries answered, {stand_in.refused} refused; {reported}"
        )
    print(f"goal for {RESOURCES:,}: {GOAL_SECONDS:.0f} s, memory flat")


if __name__ == "__main__":
    look() if sys.argv[1:] == ["look"] else main()
