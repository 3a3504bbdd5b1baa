"""What strangers ask for that takes time: it has threads and places of its own, so that it holds up nobody else.

All other routes share the server's threads; a password that is looked at, or an OpenID provider that does not answer,
would keep them for as long.
"""

import asyncio
import os
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from fastapi import Request

from model.clock import Clock
from pipeline.access.tries import TooMany, Tries, network_of

T = TypeVar("T")
_PLACES, _PLACES_OF_AN_ADDRESS = 16, 4
# For people at addresses that they have signed in from before, beside those that anybody can fill.
_PLACES_KEPT = 4
_RETRY_SECONDS = 2.0
# One password costs 64 MiB and four threads of the hash while it is looked at.
_PASSWORDS_AT_ONCE = 1
_PROVIDER_CALLS_AT_ONCE = 4
_LAST_IN_LINE = 10  # niceness: whoever is known already is answered first


class Pool:
    """A few threads, and a bounded number of places to wait for them; for one event loop."""

    def __init__(self, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, "admission", initializer=step_back)
        self._taken: Counter[str] = Counter()

    def refuse_full(self, address: str, is_known: bool = False) -> None:
        """Raise `TooMany` where all places are taken, or those of an address; some are kept for those who are known."""
        own = self._taken[network_of(address)]
        if not is_known and own >= _PLACES_OF_AN_ADDRESS:
            raise TooMany(_RETRY_SECONDS)
        if self._taken.total() >= _PLACES + (_PLACES_KEPT if is_known else 0):
            raise TooMany(_RETRY_SECONDS)

    async def run(self, address: str, work: Callable[[], T]) -> T:
        """Return what work returns, which somebody at an address asked for; it waits for a thread."""
        network = network_of(address)
        self._taken[network] += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._taken -= Counter({network: 1})  # leaves out what is at zero


class Admission:
    """Bounds what strangers may cost: how often they try, and how much of it at once."""

    def __init__(self, clock: Clock) -> None:
        self._tries = Tries(clock)
        self._passwords = Pool(_PASSWORDS_AT_ONCE)
        self._provider = Pool(_PROVIDER_CALLS_AT_ONCE)

    async def sign_in(self, name: str, request: Request, work: Callable[[], T]) -> T:
        """Return what work returns, which looks at a password of a name; a wrong one it raises `NotSignedIn` for.

        The request says from where. Raises `TooMany` where there are too many.
        """
        address = address_of(request)
        self._passwords.refuse_full(address, self._tries.knows(name, address))
        wait = self._tries.begin(name, address)
        if wait > 0:
            await asyncio.sleep(wait)
        done = await self._passwords.run(address, work)
        self._tries.succeeded(name, address)
        return done

    async def enrol(self, request: Request, work: Callable[[], T]) -> T:
        """Return what work returns, which looks at an invitation; raises `TooMany` where there are too many."""
        return await self._held(self._passwords, request, work)

    async def ask_provider(self, request: Request, work: Callable[[], T]) -> T:
        """Return what work returns, which asks the OpenID provider; raises `TooMany` where there are too many."""
        return await self._held(self._provider, request, work)

    def accustom(self, name: str, request: Request) -> None:
        """Know the address of a request as one that a person signs in from."""
        self._tries.accustom(name, address_of(request))

    async def _held(self, pool: Pool, request: Request, work: Callable[[], T]) -> T:
        address = address_of(request)
        pool.refuse_full(address)
        return await pool.run(address, work)


def address_of(request: Request) -> str:
    """Return where a request comes from: the peer, or whom the installation's proxies name (`api/server.py`)."""
    return request.client.host if request.client else ""


def step_back() -> None:
    """Let a thread come after those that answer whoever is known already, for as long as it lives."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LAST_IN_LINE)
