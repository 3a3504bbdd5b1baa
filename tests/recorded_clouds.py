"""Clients for tests: one that records an account's replies and plays them back, one that refuses single operations."""

import copy
import threading
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from typing import Any

from msgspec.structs import replace

from catalog.folder import config_folder
from clouds.call_failed import CallFailed
from collectors.aws.reader import ReadCloud
from model.asset import Place
from model.canonical import digest, plain
from model.tenant import AwsScope, Contract, Tenant
from model.text import Text
from pipeline.assembly import Catalog, assemble

REGIONS = ("ap-northeast-1", "us-east-1")
# The emulator lists these, but cannot return their details: tests/collectors/aws/test_documented.py plays AWS's
# documentation.
NOT_EMULATED = frozenset({"aws.glacier.vault", "aws.networkfirewall.firewall"})
TENANT = Tenant(
    tenant="aozora",
    name=Text(en="Aozora", ja="アオゾラ"),
    contract=Contract(start=date(2026, 6, 1)),
    scopes=[AwsScope(aws="123456789012")],
)


@lru_cache(maxsize=1)
def catalog() -> Catalog:
    """Return everything that the program knows."""
    return assemble(config_folder())


@lru_cache
def catalog_of_services(*services: str) -> Catalog:
    """Return the policies of a few services of AWS, and the types that they read."""
    chosen = [p for p in catalog().policies if all(kind.split(".")[1] in services for kind in p.kinds)]
    kinds = {kind for policy in chosen for kind in policy.kinds}
    aws = tuple(type_ for type_ in types_of(catalog(), "aws") if type_.kind.name in kinds)
    return replace(catalog(), policies=tuple(chosen), types={"aws": aws}, adopted=())


def types_of(known: Catalog, provider: str) -> tuple[Any, ...]:
    """Return a provider's types, as that provider's own."""
    return known.types.get(provider, ())


class Replies:
    """Asks a real client once for each call, and answers from memory ever after."""

    def __init__(self, client: ReadCloud, place: Place) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._memory: dict[str, list[Any] | CallFailed] = {}
        self.asked: set[tuple[str, str]] = set()
        self.place = place

    def call(self, service: str, region: str, op: str, args: dict[str, Any]) -> dict[str, Any]:
        self.asked.add((service, op))
        key = digest("call", service, region, op, plain(args))
        reply: dict[str, Any] = self._answer(key, lambda: [self._client.call(service, region, op, args)])[0]
        return reply

    def pages(self, service: str, region: str, op: str, args: dict[str, Any]) -> Iterator[dict[str, Any]]:
        self.asked.add((service, op))
        key = digest("pages", service, region, op, plain(args))
        yield from self._answer(key, lambda: list(self._client.pages(service, region, op, args)))

    def piece(self, url: str, start: int, length: int) -> tuple[bytes, int]:
        key = digest("piece", url, str(start), str(length))
        data, size = self._answer(key, lambda: list(self._client.piece(url, start, length)))
        return data, size

    def pause(self, seconds: float) -> None:
        pass

    def forget(self, region: str) -> None:
        pass

    def _answer(self, key: str, ask: Any) -> list[Any]:
        if key not in self._memory:
            try:
                reply: list[Any] | CallFailed = ask()
            except CallFailed as failure:
                reply = failure
            with self._lock:
                self._memory[key] = reply
        known = self._memory[key]
        if isinstance(known, CallFailed):
            raise known
        return copy.deepcopy(known)


class Remembering:
    """Stands before a client of any cloud: what was asked once is answered from memory ever after."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._memory: dict[str, Any] = {}

    def close(self) -> None:
        """Stay open for the next look; `end` closes what can be closed."""

    def end(self) -> None:
        getattr(self._client, "close", lambda: None)()

    def __getattr__(self, method: str) -> Any:
        def ask(*args: Any, **named: Any) -> Any:
            key = repr((method, args, sorted(named.items())))
            if key not in self._memory:
                self._memory[key] = _whole(getattr(self._client, method)(*args, **named))
            return _anew(copy.deepcopy(self._memory[key]))

        return ask


class _Pages(tuple[Any, ...]):
    """What came page by page, or row by row."""


def _whole(answer: Any) -> Any:
    """Return an answer with all that was still to come of it."""
    return _Pages(_whole(one) for one in answer) if isinstance(answer, Iterator) else answer


def _anew(answer: Any) -> Any:
    return (_anew(one) for one in answer) if isinstance(answer, _Pages) else answer


class Denying:
    """Refuses one operation of one service, as a customer's policy would; all else goes through."""

    def __init__(self, inner: ReadCloud, service: str, op: str, code: str = "AccessDenied") -> None:
        self._inner = inner
        self._denied = (service, op)
        self._code = code

    def call(self, service: str, region: str, op: str, args: dict[str, Any]) -> dict[str, Any]:
        self._check(service, op)
        return self._inner.call(service, region, op, args)

    def pages(self, service: str, region: str, op: str, args: dict[str, Any]) -> Iterator[dict[str, Any]]:
        self._check(service, op)
        yield from self._inner.pages(service, region, op, args)

    def piece(self, url: str, start: int, length: int) -> tuple[bytes, int]:
        return self._inner.piece(url, start, length)

    def pause(self, seconds: float) -> None:
        self._inner.pause(seconds)

    def forget(self, region: str) -> None:
        self._inner.forget(region)

    def _check(self, service: str, op: str) -> None:
        if (service, op) == self._denied:
            raise CallFailed(self._code)
