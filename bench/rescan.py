"""What a second look at 100,000 unchanged resources costs: hashes, the difference to the store, and no new row."""

import gc
import tempfile
import time
from pathlib import Path

from bench.checks import RESOURCES, many, seen
from catalog.folder import config_folder
from model.asset import Asset
from model.canonical import digest, instant
from pipeline.assembly import assemble
from pipeline.audit_keys import ArchivedKeys
from pipeline.clock import SystemClock
from pipeline.scanning.scan import BATCH
from store.home import Home
from store.sqlite import SqliteFolder
from store.tenant import TenantStore

_ROUNDS = 5


def hashing(assets: list[Asset]) -> float:
    """Return the seconds that all bodies' hashes take."""
    began = time.perf_counter()
    for asset in assets:
        digest(asset.body)
    return time.perf_counter() - began


def put(store: TenantStore, assets: list[Asset]) -> tuple[int, float]:
    """Put assets batch by batch; return the number of new rows and the seconds."""
    at, rows, began = instant(SystemClock().now()), 0, time.perf_counter()
    for batch in _batched(assets):
        with store.write(at, "bench") as writer:
            rows += writer.put_assets(batch, at)
    return rows, time.perf_counter() - began


def _batched(assets: list[Asset]) -> list[list[Asset]]:
    return [assets[start : start + BATCH] for start in range(0, len(assets), BATCH)]


def main() -> None:
    """Print what the first and the second look take."""
    assets, _ = seen(assemble(config_folder()))
    every = list(many(assets, RESOURCES))
    gc.freeze()  # a scan holds no 100,000 assets: what we keep for the measure is no work of the collector
    with tempfile.TemporaryDirectory() as folder:
        home = Home(SqliteFolder(Path(folder) / "home"), ArchivedKeys({"1": bytes(32)}))
        home.create()
        home.apply("bench", {"tenant": "bench"}, instant(SystemClock().now()), "bench")
        store = home.tenant("bench")
        rows, took = put(store, every)
        print(f"{len(every)} resources, first look: {rows} new rows in {took:.2f} s", flush=True)
        for number in range(_ROUNDS):
            hashed, (rows, took) = hashing(every), put(store, every)
            print(f"look {number + 2}: {rows} new rows, ", end="")
            print(f"hash {hashed:.2f} s + difference {took:.2f} s = {hashed + took:.2f} s", flush=True)


if __name__ == "__main__":
    main()
