"""How many checks a second one core makes: 100,000 resources, each judged by all policies of its kind.

The resources are those of the benchmark's account, over and over under other names.
"""

import gc
import itertools
import os
import re
import time
from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from bench.account import REGION, build
from catalog.folder import config_folder
from clouds.aws.login import Login, locate, session
from clouds.aws.read import AwsClient
from collectors.aws.engine import collect
from demo.stand_ins.aws_emulator import Emulator
from detectors.posture.judge import Moment
from detectors.posture.posture import Posture
from model.asset import Asset, Place
from model.canonical import digest, encode
from pipeline.assembly import Catalog, assemble
from pipeline.clock import SystemClock
from pipeline.process import begin
from tests.recorded_clouds import types_of

RESOURCES = 100_000
_ROUNDS = 5


def seen(catalog: Catalog) -> tuple[list[Asset], Place]:
    """Return the assets of the benchmark's account."""
    emulator, clock = Emulator(), SystemClock()
    try:
        build(emulator)
        os.environ.update(emulator.environment())
        client = AwsClient(session(Login(), clock), clock)
        place = locate(client, (REGION,))
        return [event for event in collect(client, types_of(catalog, "aws"), place) if isinstance(event, Asset)], place
    finally:
        emulator.stop()


# Names that the account gives out (`bench/account.py`), and ids: what others refer to a resource by.
_GIVEN = "bench-bucket|cluster|db|function|key|lb|policy|queue|repository|role|secret|table|topic|trail|user"
_NAMES = re.compile(rf"\b(?:[a-z]+-[0-9a-f]{{8,17}}|(?:{_GIVEN})-\d+)\b")
_FEW = ("aws.cloudtrail.", "aws.account.", "aws.rds.parameter-group")  # few in an account, however large it is


def many(assets: list[Asset], number: int) -> Iterator[Asset]:
    """Yield assets over and over, each time under other names, so that they refer to each other and to no copy."""
    alone = [a for a in assets if a.resource.endswith(":root") or a.kind.startswith(_FEW)]
    yield from alone
    copied = [(asset, encode(asset.body).decode()) for asset in assets if asset not in alone]
    for turn in itertools.count():
        for asset, body in copied:
            if number == 0:
                return
            number -= 1
            renamed = msgspec.json.decode(_NAMES.sub(rf"\g<0>-{turn}", body))
            yield replace(asset, resource=f"{asset.resource}-{turn}", body=renamed, body_hash=digest(renamed))


def main() -> None:
    """Judge, and print the rate."""
    begin()
    catalog = assemble(config_folder())
    clock = SystemClock()
    assets, _ = seen(catalog)
    every = list(many(assets, RESOURCES))
    gc.freeze()  # a scan holds no 100,000 assets: what we keep for the measure is no work of the collector
    moment = Moment(clock.now())
    for number in range(_ROUNDS):
        posture = Posture(catalog.policies, moment)
        began = time.process_time()
        at_once = sum(len(posture.see(asset)) for asset in every)
        between = time.process_time()
        waited = sum(1 for _ in posture.end())
        took = time.process_time() - began
        print(
            f"{len(every)} resources, round {number + 1}: {at_once + waited} checks in {took:.2f} s of one core: ",
            end="",
        )
        print(f"{(at_once + waited) / took:,.0f} checks/s ({at_once} at once in {between - began:.2f} s)", flush=True)


if __name__ == "__main__":
    main()
