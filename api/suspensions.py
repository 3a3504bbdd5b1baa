"""The API's routes to suspensions because of massive logs (Article 11): the list, a case, and the criteria."""

from fastapi import APIRouter, Response

from api.answers import Json, answering
from api.dependencies import Authorized, Id, OfService, TenantId
from contract.suspension_criteria import Criteria
from pipeline.suspending.reading import Case, Suspensions, criteria_of, suspensions
from pipeline.suspending.reading import case as case_of

router = APIRouter(prefix="/v1/tenants/{tenant}/suspensions")


@router.get("", **answering(Suspensions))
def listed(tenant: TenantId, authorizer: Authorized, service: OfService) -> Response:
    """List the suspensions of the tenant's logs (Article 11) and what was proposed, and what is let in now."""
    return Json(suspensions(tenant, authorizer.tenant("contract.read", tenant), service.clock.now()))


@router.get("/criteria", **answering(Criteria))
def criteria(tenant: TenantId, authorizer: Authorized, service: OfService) -> Response:
    """Show by what the tenant's logs would be suspended: the same for all, but by conditions of the contract."""
    found, _ = criteria_of(tenant, authorizer.tenant("contract.read", tenant), service.clock.now())
    return Json(found)


@router.get("/{case}", **answering(Case))
def case(tenant: TenantId, case: Id, authorizer: Authorized, service: OfService) -> Response:
    """Show what a suspension, or the proposal of one, rests on, who judged on it, and who was notified."""
    return Json(case_of(authorizer.tenant("contract.read", tenant), case, service.clock.now()))
