"""What a second look at 100,000 unchanged resources costs: hashes, the difference to the store, and no new row."""

import tempfile
import time
from pathlib import Path

from bench.checks import RESOURCES, many, seen
from catalog.folder import config_folder
from model.asset import Asset
from model.canonical import digest, instant
from pipeline.assembly import assemble
from pipeline.clock import SystemClock
from store.home import Home
from store.tenant import TenantStore

_BATCH = 100  # as a scan writes


def put(store: TenantStore, assets: list[Asset]) -> tuple[int, float]:
    """Put assets batch by batch; return the number of new rows and the seconds."""
    at, rows, began = instant(SystemClock().now()), 0, time.perf_counter()
    for batch in _batched(assets):
        with store.write(at, "bench") as writer:
            rows += writer.put_assets(batch, at)
    return rows, time.perf_counter() - began


def _batched(assets: list[Asset]) -> list[list[Asset]]:
    return [assets[start : start + _BATCH] for start in range(0, len(assets), _BATCH)]


def main() -> None:
    """Print what the first and the second look take."""
    assets, _ = seen(assemble(config_folder()))
    every = list(many(assets, RESOURCES))
    began = time.perf_counter()
    for asset in every:
        digest(asset.body)
    hashing = time.perf_counter() - began
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home")
        home.create()
        home.apply("bench", {"tenant": "bench"}, instant(SystemClock().now()), "bench")
        store = home.tenant("bench")
        first, first_took = put(store, every)
        again, again_took = put(store, every)
    print(f"{len(every)} resources: first {first} rows in {first_took:.2f} s; ", end="")
    print(f"again {again} rows, hash {hashing:.2f} s + difference {again_took:.2f} s = {hashing + again_took:.2f} s")


if __name__ == "__main__":
    main()
