"""What the routes work with: the service's parts, who asks, and what they may use.

What waits for nothing is `async`: the server's threads are for those who read stores.
"""

from collections.abc import Callable
from typing import Annotated

import httpx
from fastapi import Depends, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from msgspec import Struct
from pydantic import BaseModel, ConfigDict

from api.admission import Admission
from api.answers import LARGEST_PAGE
from model.access import Access
from model.clock import Clock
from model.installation import Installation
from model.person import Actor
from pipeline.access.authorization import Authorizer
from pipeline.access.sign_in import Gate, NotSignedIn
from pipeline.log_spool import Spool
from store.home import Home

TEXT = r"^[^\x00]*$"
Id = Annotated[str, Path(max_length=64)]
TenantId = Annotated[str, Path(max_length=64)]
Cursor = Annotated[str, Query(max_length=400)]
Limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE)]


class Form(BaseModel):
    """What is sent to a route; what does not fit is named, without what it held."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Service(Struct, frozen=True):
    """What the routes work with."""

    home: Home
    gate: Gate
    access: Access
    clock: Clock
    installation: Installation
    http: httpx.Client
    spools: Callable[[str], Spool]


async def service_of(request: Request) -> Service:
    """Return what the routes work with."""
    service: Service = request.app.state.service
    return service


async def admission_of(request: Request) -> Admission:
    """Return what bounds what strangers ask for."""
    admission: Admission = request.app.state.admission
    return admission


def actor_of(request: Request, service: Annotated[Service, Depends(service_of)]) -> Actor:
    """Return who asks, by the bearer token (RFC 6750); raises `NotSignedIn` where there is none, or not a good one."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise NotSignedIn("a bearer token is needed")
    actor = service.gate.actor(token.strip())
    request.state.actor = actor.name
    return actor


async def authorizer_of(
    actor: Annotated[Actor, Depends(actor_of)], service: Annotated[Service, Depends(service_of)]
) -> Authorizer:
    """Return the stores as whoever asks may use them."""
    return Authorizer(service.home, service.access, actor, service.clock)


async def known_parameters(request: Request) -> None:
    """Refuse a parameter that OpenAPI's description lacks or that comes twice: the answer would be to another question.

    Raises `RequestValidationError` for such a one. What watches the service (`/healthz`, `/metrics`) may be asked in
    any way.
    """
    route = request.scope["route"]
    if not route.include_in_schema:
        return
    described = request.app.openapi()["paths"][route.path][request.method.lower()].get("parameters", [])
    known = {parameter["name"] for parameter in described if parameter["in"] == "query"}
    given = [name for name, _ in request.query_params.multi_items()]
    strange = [name for name in dict.fromkeys(given) if name not in known]
    if strange:
        reported = f"is not known here; known are {', '.join(sorted(known)) or 'none'}"
        raise RequestValidationError([{"loc": ("query", strange[0][:50]), "msg": reported}])
    if twice := [name for name in known if given.count(name) > 1]:
        raise RequestValidationError([{"loc": ("query", min(twice)), "msg": "comes more than once"}])


ActorNow = Annotated[Actor, Depends(actor_of)]
Authorized = Annotated[Authorizer, Depends(authorizer_of)]
Admitted = Annotated[Admission, Depends(admission_of)]
OfService = Annotated[Service, Depends(service_of)]
