"""The API's routes of machines' tokens, for whoever manages people at the tenant."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from api.answers import Issued, Json, MachineToken, Page, answering, cursor_of, key_of
from api.dependencies import TEXT, Authorized, Cursor, Form, Id, Limit, OfService, Service, TenantId
from model.person import Token
from pipeline.access.authorization import Authorizer
from pipeline.access.machines import Machines, MachineWanted

router = APIRouter()


class Wanted(Form):
    """A machine's token: its one action, the source that it stands for, what it is for, for how many days."""

    action: Annotated[str, Field(max_length=60, pattern=TEXT)]
    source: Annotated[str, Field(max_length=100, pattern=TEXT)]
    label: Annotated[str, Field(min_length=1, max_length=100, pattern=TEXT)]
    days: Annotated[int, Field(ge=1, le=366)]


@router.get("/v1/tenants/{tenant}/machine-tokens", **answering(Page[MachineToken]))
def machine_tokens(
    tenant: TenantId, authorizer: Authorized, service: OfService, cursor: Cursor = "", limit: Limit = 100
) -> Response:
    """List the tenant's machine tokens, also those that ended."""
    (after,) = key_of(cursor, 1) or ("",)
    wanted = [_view(token) for token in _machines(authorizer, service).of(tenant) if token.id > after][:limit]
    return Json(Page(wanted, cursor_of(wanted[-1].id) if len(wanted) == limit else ""))


@router.post("/v1/tenants/{tenant}/machine-tokens", **answering(Issued, 201))
def issue(tenant: TenantId, form: Wanted, authorizer: Authorized, service: OfService) -> Response:
    """Issue a machine's token, by a sign-in's token, for what one may do oneself."""
    wanted = MachineWanted(tenant, form.action, form.source, form.label, timedelta(days=form.days))
    return Json(Issued(_machines(authorizer, service).issue(wanted)), status_code=201)


@router.delete("/v1/tenants/{tenant}/machine-tokens/{token}", status_code=204)
def revoke(tenant: TenantId, token: Id, authorizer: Authorized, service: OfService) -> Response:
    """Revoke a machine's token."""
    _machines(authorizer, service).revoke(tenant, token)
    return Response(status_code=204)


def _machines(authorizer: Authorizer, service: Service) -> Machines:
    return Machines(authorizer, service.access, service.clock)


def _view(token: Token) -> MachineToken:
    return MachineToken(
        id=token.id,
        label=token.label,
        action=token.action,
        tenant=token.tenants[0],
        source=token.source,
        issued_by=token.issued_by,
        issued_at=token.issued_at,
        expires_at=token.expires_at,
        revoked_at=token.revoked_at,
    )
