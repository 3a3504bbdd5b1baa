"""200 buckets from the plan to the verified change, beside Cloud Custodian; and a plan over 10,000 resources.

All work on the same emulator, each with its own command line. Calls are counted in runs of their own, by a proxy.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from msgspec import Struct
from msgspec.structs import replace

from bench.measured import Measure, run
from bench.people import tokens
from bench.serving import cpu_seconds, processes, resident_mb, serving
from demo.stand_ins.aws_emulator import Emulator
from model.asset import Asset
from remediation.playbook import playbooks
from remediation.proposing import Candidate, Terms, propose
from tests.servers.http_servers import PASS, proxy

BUCKETS, LARGE = 200, 10_000
_SETTLED_SECONDS = 3.0
REGION, TENANT, PLAYBOOK = "ap-northeast-1", "aozora", "aws.s3.block-public-access"
HINOMI = Path(sys.executable).parent / "hinomi"
CUSTODIAN = Path(__file__).parent.parent / ".custodian-venv" / "bin" / "custodian"
_TENANT_FILE = """\
tenant: aozora
name: {en: Aozora, ja: 青空}
contract: {start: 2026-01-01}
scopes: [{aws: "123456789012", regions: [ap-northeast-1], write: {}}]
"""
_POLICY = {
    "policies": [
        {
            "name": "block",
            "resource": "aws.s3",
            "filters": [{"type": "check-public-block"}],
            "actions": [{"type": "set-public-block"}],
        }
    ]
}

# What no tool can do without: the same three calls for each bucket by the SDK alone, nothing planned, approved or kept.
_SDK_ALONE = f"""
from concurrent.futures import ThreadPoolExecutor
import botocore.exceptions, botocore.session
s3 = botocore.session.get_session().create_client("s3", region_name="{REGION}")
on = dict.fromkeys(("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True)
def block(bucket):
    try:
        s3.get_public_access_block(Bucket=bucket)
    except botocore.exceptions.ClientError:
        pass
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=on)
    s3.get_public_access_block(Bucket=bucket)
with ThreadPoolExecutor(8) as threads:
    list(threads.map(block, [f"bucket-{{number:03}}" for number in range({BUCKETS})]))
"""


class Side(Struct, frozen=True):
    """What one contestant took in all its commands."""

    name: str
    wall: float
    cpu: float
    rss_mb: float
    exits: tuple[int, ...]


class Stage:
    """Buckets without a block, a tenant that was scanned, people with tokens."""

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        self.emulator, self.folder = emulator, folder
        keep = {name: value for name, value in os.environ.items() if name in ("HOME", "LANG", "TMPDIR")}
        reported = {name: value for name, value in emulator.environment().items() if name.startswith("AWS_")}
        self.environment = keep | reported | {"PATH": os.defpath, "HINOMI_HOME": str(folder / "home")}
        self.names = [f"bucket-{number:03}" for number in range(BUCKETS)]
        s3 = emulator.client("s3", REGION)
        for name in self.names:
            s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        (folder / "tenant.yaml").write_text(_TENANT_FILE, encoding="utf-8")
        self.hinomi("init")
        self.hinomi("apply", str(folder / "tenant.yaml"))
        self.tokens = tokens(folder / "home", TENANT, {"aki": "analyst", "ken": "lead", "rin": "lead"})
        self.scan()

    def hinomi(self, *arguments: str, who: str = "", url: str = "") -> Measure:
        """Run one of our commands as somebody."""
        environment = self.environment | ({"HINOMI_TOKEN": self.tokens[who]} if who else {})
        environment |= {"AWS_ENDPOINT_URL": url} if url else {}
        return run([str(HINOMI), *arguments], environment, self.folder / "ours.log")

    def scan(self) -> None:
        """Take the inventory anew; it is there before anybody plans."""
        self.hinomi("scan", TENANT)

    def open_all(self) -> None:
        """Take every block away again."""
        for name in self.names:
            self.emulator.client("s3", REGION).delete_public_access_block(Bucket=name)

    def closed(self) -> int:
        """Return how many buckets have all four switches on."""
        s3, number = self.emulator.client("s3", REGION), 0
        for name in self.names:
            number += all(s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"].values())
        return number


def ours(stage: Stage, url: str = "") -> Side:
    """Plan, approve by two, carry out and verify."""
    planned = stage.hinomi("plan", TENANT, PLAYBOOK, "--most", str(BUCKETS), "--format", "json", who="aki", url=url)
    reported = json.loads(planned.said)
    id_, hash_ = reported["plan"]["id"], reported["hash"]
    commands = [planned]
    commands += [stage.hinomi("approve", TENANT, id_, "--hash", hash_, who=who, url=url) for who in ("ken", "rin")]
    commands.append(stage.hinomi("run", TENANT, id_, who="aki", url=url))
    return _side("hinomi", commands)


def service(stage: Stage, url: str = "") -> Side:
    """Plan, approve by two, have it carried out and verified by a running service, over HTTP."""
    environment = stage.environment | ({"AWS_ENDPOINT_URL": url} if url else {})
    with serving(str(stage.folder / "home"), environment) as (pid, at):
        time.sleep(_SETTLED_SECONDS)  # what starting takes is over by then
        before, began = sum(map(cpu_seconds, processes(pid))), time.monotonic()
        with httpx.Client(timeout=60) as client:

            def ask(method: str, path: str, who: str, **body: object) -> Any:
                headers = {"authorization": f"Bearer {stage.tokens[who]}"}
                return client.request(
                    method, f"{at}/v1/tenants/{TENANT}/plans{path}", headers=headers, json=body or None
                ).json()

            made = ask("POST", "", "aki", playbook=PLAYBOOK, most=BUCKETS)
            plan, hash_ = made["plan"]["id"], made["hash"]
            for who in ("ken", "rin"):
                ask("POST", f"/{plan}/votes", who, hash=hash_, approve=True)
            ask("POST", f"/{plan}/runs", "aki")
            memory = 0.0
            while ask("GET", f"/{plan}/runs", "aki")["items"][0]["state"] not in ("done", "failed"):
                memory = max(memory, sum(map(resident_mb, processes(pid))))
                time.sleep(0.2)
            states = {one["state"] for one in ask("GET", f"/{plan}", "aki")["progress"]}
        wall, cpu = time.monotonic() - began, sum(map(cpu_seconds, processes(pid))) - before
    return Side("service", wall, cpu, memory, (0 if states == {"verified"} else 3,))


def theirs(stage: Stage, url: str = "") -> Side:
    """Find buckets without a block and set it."""
    policy = stage.folder / "policy.yml"
    policy.write_text(json.dumps(_POLICY), encoding="utf-8")
    environment = stage.environment | ({"AWS_ENDPOINT_URL": url} if url else {})
    out = stage.folder / "custodian"
    command = [str(CUSTODIAN), "run", "--region", REGION, "--cache-period", "0", "-s", str(out), str(policy)]
    return _side("custodian", [run(command, environment, stage.folder / "theirs.log")])


def sdk_alone(stage: Stage, url: str = "") -> Side:
    """Send the same calls and nothing more."""
    environment = stage.environment | ({"AWS_ENDPOINT_URL": url} if url else {})
    return _side("sdk alone", [run([sys.executable, "-c", _SDK_ALONE], environment, stage.folder / "sdk.log")])


def _side(name: str, commands: Sequence[Measure]) -> Side:
    cpu, wall = sum(one.cpu for one in commands), sum(one.wall for one in commands)
    return Side(name, wall, cpu, max(one.rss_mb for one in commands), tuple(one.exit_code for one in commands))


def race(stage: Stage) -> None:
    """Let each do it three times, and once more with its calls counted."""
    middle: dict[str, Side] = {}
    for contestant in (ours, service, theirs, sdk_alone):
        runs = []
        for _ in range(3):
            stage.open_all()
            stage.scan()
            runs.append(contestant(stage))
            assert stage.closed() == BUCKETS, runs[-1]
        runs.sort(key=lambda side: side.wall)
        side = middle[runs[1].name] = runs[1]
        stage.open_all()
        stage.scan()
        with proxy(stage.emulator.url, lambda _: PASS) as (url, seen):
            contestant(stage, url)
        print(
            f"{side.name:9} {BUCKETS} buckets  wall {side.wall:5.1f} s  cpu {side.cpu:5.2f} s  rss {side.rss_mb:.0f} MB"
            f"  calls {len(seen)} ({len(seen) / BUCKETS:.1f} a bucket)  exits {side.exits}",
            flush=True,
        )
    his = middle["custodian"]
    for mine in (middle["hinomi"], middle["service"]):
        print(f"custodian : {mine.name}  wall {his.wall / mine.wall:.1f}  cpu {his.cpu / mine.cpu:.1f}")


def plan_large() -> None:
    """Time a plan over many resources, from the inventory's bodies to the hash."""
    playbook = playbooks()[PLAYBOOK]
    asset = Asset("aws.s3.bucket", "arn:aws:s3:::b", "b", "123456789012", REGION, {"Name": "b"}, "")
    assets = [replace(asset, resource=f"arn:aws:s3:::b{n}", name=f"b{n}", body={"Name": f"b{n}"}) for n in range(LARGE)]
    candidates = [Candidate(one, {playbook.closes[0]: ()}) for one in assets]
    terms = Terms("t", "aki", "aki", "2026-06-01T00:00:00.000000Z", LARGE, most=LARGE)
    began = time.perf_counter()
    plan = propose(playbook, candidates, terms)
    hashed = plan.hash
    seconds = time.perf_counter() - began
    print(f"a plan over {len(plan.steps)} resources: {seconds:.2f} s, hash {hashed[:12]}")


@contextmanager
def staged() -> Iterator[Stage]:
    """Yield a stage; everything ends and vanishes afterwards."""
    with tempfile.TemporaryDirectory() as name:
        emulator = Emulator(managed_policies=False)
        try:
            yield Stage(emulator, Path(name))
        finally:
            emulator.stop()


def main() -> None:
    """Print every number."""
    plan_large()
    if not CUSTODIAN.exists():
        sys.exit("Cloud Custodian is not there; `make bench-peers` installs it")
    with staged() as stage:
        race(stage)


if __name__ == "__main__":
    main()
