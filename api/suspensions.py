"""The API's routes to suspensions because of massive logs (Article 11): the list, a case, and the criteria."""

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from api.answers import Json, answering
from api.dependencies import Authorized, Id, OfService, TenantId
from contract.suspension_criteria import Criteria
from model.canonical import instant
from model.text import Language
from pipeline.suspending.reading import Case, PageWanted, Suspensions, suspensions
from pipeline.suspending.reading import case as case_of
from pipeline.suspending.reading import page as page_of
from pipeline.tenants.log_rates import criteria_of
from pipeline.tenants.provided import provider_name

router = APIRouter(prefix="/v1/tenants/{tenant}/suspensions")


@router.get("", **answering(Suspensions))
def listed(tenant: TenantId, authorizer: Authorized, service: OfService) -> Response:
    """List the suspensions of the tenant's logs (Article 11) and what was proposed, and what is let in now."""
    return Json(suspensions(tenant, authorizer.tenant("contract.read", tenant), service.clock.now()))


@router.get("/criteria", **answering(Criteria))
def criteria(tenant: TenantId, authorizer: Authorized, service: OfService) -> Response:
    """Show by what the tenant's logs would be suspended: the same for all, but by conditions of the contract."""
    return Json(criteria_of(tenant, authorizer.tenant("contract.read", tenant), service.clock.now()))


@router.get("/{case}", **answering(Case))
def case(tenant: TenantId, case: Id, authorizer: Authorized, service: OfService) -> Response:
    """Show what a suspension, or the proposal of one, rests on, who judged on it, and who was notified."""
    return Json(case_of(authorizer.tenant("contract.read", tenant), case, service.clock.now()))


@router.get("/{case}/page", response_class=HTMLResponse)
def evidence(
    tenant: TenantId, case: Id, authorizer: Authorized, service: OfService, language: Language = "ja"
) -> Response:
    """Show the evidence of a suspension as one HTML page, in a language; its SHA-256 is recorded."""
    store, now = authorizer.tenant("contract.read", tenant), service.clock.now()
    found = case_of(store, case, now)
    provider = provider_name(store, now, service.installation.service_providers)
    return HTMLResponse(page_of(store, found, provider, PageWanted(language, authorizer.actor.name, instant(now))))
