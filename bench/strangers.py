"""How long people wait at the API while strangers hold connections, send slowly and guess, and how long without them.

Of 200 connections, 50 are people's: each asks who it is, by its token, again as soon as it has its answer. 50 send a
body byte by byte, 50 guess at sign-ins, each from an address of its own and again as soon as it is answered, and 50 say
nothing.
"""

import asyncio
import contextlib
import multiprocessing
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

from bench.people import tokens
from bench.serving import serving
from bench.stage import HINOMI
from demo.company import DATA

_EACH = 50
_SECONDS = 10.0
_ROUNDS = 3
_TENANT = "aozora-foods"
_BODY = b'{"person": "sato", "password": "a wrong password", "code": "000000"}'
_HEAD = b"POST /v1/sign-in/local HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"

Address = tuple[str, int]


async def _answer(reader: asyncio.StreamReader) -> int:
    """Read one answer, and return its status."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length: ")[2].split(b"\r\n", 1)[0])
    await reader.readexactly(length)
    return int(head.split(b" ", 2)[1])


async def _person(server: Address, token: str, until: float, waits: list[float]) -> None:
    """Ask again and again by one connection, and note how long each answer took."""
    reader, writer = await asyncio.open_connection(*server)
    question = f"GET /v1/me HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n".encode()
    while time.monotonic() < until:
        began = time.perf_counter()
        writer.write(question)
        assert await _answer(reader) == 200
        waits.append(time.perf_counter() - began)
    writer.close()


async def _people(server: Address, token: str) -> list[float]:
    waits: list[float] = []
    until = time.monotonic() + _SECONDS
    await asyncio.gather(*(_person(server, token, until, waits) for _ in range(_EACH)))
    return waits


async def _guesser(server: Address, local: Address) -> None:
    reader, writer = await asyncio.open_connection(*server, local_addr=local)
    while True:
        writer.write(_HEAD % len(_BODY) + _BODY)
        await _answer(reader)


async def _slow(server: Address, local: Address) -> None:
    reader, writer = await asyncio.open_connection(*server, local_addr=local)
    writer.write(_HEAD % 60_000)
    while not reader.at_eof():
        writer.write(b" ")
        await asyncio.sleep(0.5)


async def _silent(server: Address, local: Address) -> None:
    reader, _ = await asyncio.open_connection(*server, local_addr=local)
    await reader.read()


async def _again(stranger: Callable[[Address, Address], Awaitable[None]], server: Address, local: Address) -> None:
    """Be a stranger for ever: whoever is closed comes again."""
    while True:
        with contextlib.suppress(OSError, EOFError):
            await stranger(server, local)


async def _strangers(server: Address) -> None:
    kinds = (_slow, _guesser, _silent)
    await asyncio.gather(
        *(_again(kind, server, (f"127.0.1.{number + 1}", 0)) for kind in kinds for number in range(_EACH))
    )


def _hold(server: Address) -> None:
    os.nice(5)
    asyncio.run(_strangers(server))


def measured(server: Address, token: str) -> tuple[list[float], list[float]]:
    """Return how long people waited alone, and beside strangers."""
    calm = asyncio.run(_people(server, token))
    strangers = multiprocessing.Process(target=_hold, args=(server,))
    strangers.start()
    try:
        time.sleep(2)
        return calm, asyncio.run(_people(server, token))
    finally:
        strangers.terminate()
        strangers.join()


def _p99(waits: list[float]) -> float:
    return statistics.quantiles(waits, n=100)[98]


def main() -> None:
    """Print every round."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        subprocess.run([str(HINOMI), "init", "--home", str(home)], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([str(HINOMI), "apply", str(DATA / "tenant.yaml"), "--home", str(home)], check=True)
        (token,) = tokens(home, _TENANT, {"sato": "lead"}).values()
        with serving(str(home), os.environ) as (_, url):
            parts = urlsplit(url)
            server = (str(parts.hostname), int(parts.port or 0))
            for number in range(_ROUNDS):
                calm, beside = measured(server, token)
                medians = [statistics.median(each) * 1000 for each in (calm, beside)]
                ends = [_p99(each) * 1000 for each in (calm, beside)]
                print(
                    f"round {number + 1}: median {medians[0]:.1f} ms alone, {medians[1]:.1f} ms beside strangers;"
                    f" p99 {ends[0]:.1f} and {ends[1]:.1f} ms, ratio {ends[1] / ends[0]:.2f}"
                    f" ({len(calm)} and {len(beside)} answers)",
                    flush=True,
                )


if __name__ == "__main__":
    main()
