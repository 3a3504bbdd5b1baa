"""A tenant with a few resources, findings and a run, written without any scan."""

import msgspec

from model.asset import Asset
from model.canonical import digest, instant
from model.finding import Element, Verdict, advance
from model.text import Text
from store.home import Home
from store.rows import Gap, Run
from tests.conftest import MovingClock
from tests.contracts import applied
from tests.recorded_clouds import TENANT


def asset(number: int) -> Asset:
    body = {"Name": f"b{number}", "Secret": "not in listings"}
    return Asset("aws.s3.bucket", f"arn:aws:s3:::b{number}", f"b{number}", "123456789012", "global", body, digest(body))


def verdict(number: int) -> Verdict:
    seen = asset(number)
    text = Text(en="open", ja="公開")
    return Verdict(
        policy="aws.s3.public-access-block-off", severity="high", kind=seen.kind, resource=seen.resource,
        name=seen.name, scope=seen.scope, region=seen.region, status="fail", message=text,
        elements=(Element("k", "fail"),),
    )  # fmt: skip


def fill(home: Home, clock: MovingClock, name: str) -> None:
    """Give a tenant seven resources, findings on five of them, and one run with a gap."""
    at = instant(clock.now())
    applied(home, msgspec.structs.replace(TENANT, tenant=name), at)
    run = Run(digest(name), f"scan:{name}", at, at, "", {})
    with home.tenant(name).write(at, "p") as writer:
        writer.start_run(run)
        writer.put_assets([asset(n) for n in range(7)], at)
        changes = [advance(None, verdict(n), at) for n in range(5)]
        writer.put_findings(finding for finding, _ in changes if finding)
        writer.put_facts([fact for _, fact in changes if fact], run.id)
        gap = Gap("123456789012", "aws.kms.key", "us-east-1", "", "kms:ListKeys AccessDenied")
        writer.finish_run(run.id, at, {"assets": 7, "verdicts": {"fail": 5}}, [gap])
