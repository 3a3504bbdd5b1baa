"""The API's route of monitoring logs: a customer's machines push them, each by a token for one source."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Header, Request, Response
from starlette.concurrency import run_in_threadpool

from api.admission import step_back
from api.answers import Json, answering
from api.dependencies import Authorized, Id, OfService
from pipeline.access.authorization import Authorizer, NotAllowed
from pipeline.access.tries import TooMany
from pipeline.intake.pushing import Push, Taken, push

T = TypeVar("T")
router = APIRouter()
_PLACES, _PLACES_OF_A_TENANT, _THREADS = 16, 4, 2
_RETRY_SECONDS = 1.0
_KEY = r"^[\x21-\x7e]{1,255}$"
_BODY = {"requestBody": {"required": True, "content": {"application/octet-stream": {"schema": {"type": "string"}}}}}


class Pushing:
    """A bounded number of pushes at once, of which a few of one tenant, and these one after another.

    Whose store is held up holds up one thread.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, "push", initializer=step_back)
        self._taken: Counter[str] = Counter()
        self._turns: dict[str, asyncio.Lock] = {}

    @asynccontextmanager
    async def place(self, tenant: str) -> AsyncIterator[None]:
        """Hold a place for a push of a tenant; raises `TooMany` where there is none."""
        if self._taken[tenant] >= _PLACES_OF_A_TENANT or self._taken.total() >= _PLACES:
            raise TooMany(_RETRY_SECONDS, "too many pushes at once; try again later")
        self._taken[tenant] += 1
        try:
            yield
        finally:
            self._taken -= Counter({tenant: 1})  # leaves out what is at zero

    async def run(self, tenant: str, work: Callable[[], T]) -> T:
        """Return what work returns that is done for a tenant, once it is its turn."""
        async with self._turns.setdefault(tenant, asyncio.Lock()):
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)


async def pushing_of(request: Request) -> Pushing:
    """Return what bounds how much is pushed at once."""
    pushing: Pushing = request.app.state.pushing
    return pushing


@router.post("/v1/logs/{source}", openapi_extra=_BODY, **answering(Taken, 202))
async def take(
    source: Id,
    request: Request,
    authorizer: Authorized,
    service: OfService,
    pushing: Annotated[Pushing, Depends(pushing_of)],
    idempotency_key: Annotated[str, Header(pattern=_KEY)] = "",
) -> Response:
    """Take events of a source in: JSON lines or documents, gzip or not. What is answered with 202 is kept."""
    tenant = await run_in_threadpool(_tenant, authorizer, source)
    async with pushing.place(tenant):
        wanted = Push(tenant, source, await request.body(), idempotency_key)
        taken = await pushing.run(tenant, lambda: push(authorizer, service.spools, wanted, service.clock))
    return Json(taken, status_code=202)


def _tenant(authorizer: Authorizer, source: str) -> str:
    """Return the tenant of the machine that pushes; raises `NotAllowed` for all but a token of the source."""
    actor = authorizer.actor
    if actor.kind != "machine" or actor.tenants == "all" or len(actor.tenants) != 1:
        raise NotAllowed("logs are pushed with a machine's token (`hinomi tokens machine issue`)")
    if actor.source != source:
        raise NotAllowed(f"the token is for the source {actor.source!r}, and for no other")
    authorizer.allow("logs.push", actor.tenants[0])
    return actor.tenants[0]
