"""The API's ways in: a local account, the OpenID provider, an invitation; and out again."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field

from api.answers import Enrolled, Issued, Json, Problem, Started, answering
from api.dependencies import TEXT, ActorNow, Admitted, Form, OfService, Service
from model.fault import Refused
from model.person import Tenants
from people.openid import OpenIdProvider, Waiting
from pipeline.access.openid_sign_in import provider
from store.database import StoreFault

router = APIRouter()
_Secret = Annotated[str, Field(max_length=400, pattern=TEXT)]


class Local(Form):
    """A local account's name, password and one-time code."""

    person: Annotated[str, Field(max_length=60, pattern=TEXT)]
    password: _Secret
    code: Annotated[str, Field(max_length=10, pattern=TEXT)]


class Handle(Form):
    """What the start of a sign-in gave."""

    handle: Annotated[str, Field(max_length=2000, pattern=TEXT)]


class Invitation(Form):
    """An invitation, and the password that its holder takes."""

    invitation: _Secret
    password: _Secret


class Wanted(Form):
    """A further token: what it is for, for which tenants (left out = all of one's own), for how many days."""

    label: Annotated[str, Field(min_length=1, max_length=100, pattern=TEXT)]
    tenants: Annotated[tuple[str, ...], Field(min_length=1, max_length=500)] = ()
    days: Annotated[int, Field(ge=1, le=366)] = 90


@router.post("/v1/sign-in/local", **answering(Issued))
async def local(form: Local, request: Request, service: OfService, admission: Admitted) -> Response:
    """Sign in with a local account; the token lasts twelve hours."""

    def look() -> str:
        return service.gate.with_password(form.person, form.password, form.code)

    return Json(Issued(await admission.sign_in(form.person, request, look)))


@router.post("/v1/sign-in/device", **answering(Started))
async def device(request: Request, service: OfService, admission: Admitted) -> Response:
    """Begin to sign in at the OpenID provider: whoever signs in opens the URI and enters the code."""
    begun = await admission.ask_provider(request, lambda: _provider(service).start(service.clock.now()))
    shown = (begun.device_code, begun.user_code, begun.verification_uri, begun.complete_uri, begun.interval_seconds)
    return Json(Started(*shown))


@router.post("/v1/sign-in/device/token", **answering(Issued))
async def device_token(form: Handle, request: Request, service: OfService, admission: Admitted) -> Response:
    """Ask whether the sign-in is done: 202 while it is not."""

    def look() -> str:
        identity = _provider(service).ask(form.handle)
        return "" if isinstance(identity, Waiting) else service.gate.with_identity(identity)

    token = await admission.ask_provider(request, look)
    if not token:
        return Json(Problem("the person has not decided yet"), status_code=202)
    return Json(Issued(token))


@router.post("/v1/enrolments", **answering(Enrolled))
async def enrol(form: Invitation, request: Request, service: OfService, admission: Admitted) -> Response:
    """Set one's password with an invitation; put the URI into an authenticator, then sign in."""
    enrolment = await admission.enrol(request, lambda: service.gate.enrol(form.invitation, form.password))
    admission.accustom(enrolment.person, request)
    return Json(Enrolled(enrolment.person, enrolment.uri))


@router.post("/v1/tokens", **answering(Issued))
def issue(form: Wanted, actor: ActorNow, service: OfService) -> Response:
    """Get a further token of one's own; only a sign-in's token gives any."""
    tenants: Tenants = form.tenants or "all"
    return Json(Issued(service.gate.issue(actor, form.label, tenants, timedelta(days=form.days))))


@router.delete("/v1/tokens/current", status_code=204)
def sign_out(actor: ActorNow, service: OfService) -> Response:
    """Revoke the token that this request carries, with those that it issued."""
    service.gate.revoke(actor, [actor.token])
    return Response(status_code=204)


def _provider(service: Service) -> OpenIdProvider:
    settings = service.installation.sign_in
    if settings is None:
        raise Refused("no OpenID provider is set up")
    try:
        return provider(settings, service.http)
    except Refused:  # where a secret lies is nothing for strangers
        raise StoreFault("the OpenID provider's secret cannot be read") from None
