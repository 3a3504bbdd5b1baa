"""The API's routes. Each asks the authorizer for what it needs, so that none can forget to ask."""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import ClientDisconnect

from api import answers
from api.admission import Admission
from api.answers import (
    Coverage,
    FindingsPage,
    Json,
    Me,
    OwnPolicyView,
    Page,
    Problem,
    RunView,
    answering,
    cursor_of,
)
from api.dependencies import Authorized, Cursor, Id, Limit, OfService, Service, TenantId, known_parameters
from api.logs import Pushing
from api.logs import router as log_routes
from api.machine_tokens import router as machine_routes
from api.metrics import Metrics
from api.middleware import Guard
from api.plans import router as plan_routes
from api.sign_in import router as sign_in_routes
from api.suspensions import router as suspension_routes
from contract.days import as_of, end_of
from contract.showing import Shown, summary
from model.canonical import instant, parse_instant
from model.fault import Refused
from model.finding import Category, Finding, Severity, State
from model.job import Job
from model.text import Text
from pipeline.access.authorization import NoSuchTenant, NotAllowed
from pipeline.access.machines import NoSuchToken
from pipeline.access.sign_in import NotSignedIn
from pipeline.access.tries import TooMany
from pipeline.changing.plans import NoSuchPlan
from pipeline.intake.pushing import TooLarge
from pipeline.intake.taking import KeyReused
from pipeline.intake.volume import TenantVolume, volume_in
from pipeline.policies.texts import own_texts
from pipeline.serving.jobs import new_job, queue
from pipeline.suspending.reading import NoSuchCase
from pipeline.tenants.applied import NotOrdered, book_of
from pipeline.tenants.coverage import TenantCoverage, coverage_in, line_beside, period_of
from pipeline.tenants.gate import NotEntitled
from pipeline.tenants.views import TenantView, view_of
from store.database import StoreFault
from store.reader import Reader
from store.rows import AssetRow, Run, Selection


class NotFound(Exception):
    """There is no such thing."""


_OPEN_TO_ALL = ("/v1/sign-in/local", "/v1/sign-in/device", "/v1/sign-in/device/token", "/v1/enrolments")
Word = Annotated[str, Query(max_length=400)]


class _Api(FastAPI):
    """Completes OpenAPI's description by the forms of the replies and the bearer token."""

    def openapi(self) -> dict[str, Any]:
        """Return the description; it is made once."""
        if self.openapi_schema is None:
            made = super().openapi()
            parts = made.setdefault("components", {})
            parts["schemas"] = parts.get("schemas", {}) | answers.components()
            parts["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
            for path, operations in made["paths"].items():
                for operation in operations.values():
                    operation["security"] = [] if path in _OPEN_TO_ALL else [{"bearer": []}]
        assert self.openapi_schema is not None, "made above"
        return self.openapi_schema


def make_app(service: Service) -> FastAPI:
    """Return the application."""
    # Their pages of documents load scripts from elsewhere.
    app = _Api(title="Hinomi", version="1", docs_url=None, redoc_url=None, dependencies=[Depends(known_parameters)])
    app.state.service = service
    app.state.admission = Admission(service.clock)
    app.state.pushing = Pushing()
    metrics = Metrics(service.home, service.clock)
    app.add_middleware(Guard, metrics=metrics)
    _watch(app, metrics)
    _tenants(app)
    _inventory(app)
    _scans(app)
    app.include_router(plan_routes)
    app.include_router(sign_in_routes)
    app.include_router(machine_routes)
    app.include_router(log_routes)
    app.include_router(suspension_routes)
    _refusals(app)
    return app


def _watch(app: FastAPI, metrics: Metrics) -> None:
    @app.get("/healthz", include_in_schema=False)
    def healthz(service: OfService) -> Response:
        """Say whether the service's store can be read."""
        service.home.check()
        return Json({"status": "ok"})

    @app.get("/metrics", include_in_schema=False)
    def prometheus() -> Response:
        """Report to Prometheus the numbers of the whole service; no tenant's name is among them."""
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)


def _tenants(app: FastAPI) -> None:
    @app.get("/v1/me", **answering(Me))
    def me(authorizer: Authorized) -> Response:
        """Say who asks."""
        return Json(Me(authorizer.actor.name, authorizer.actor.roles, tuple(authorizer.visible())))

    @app.get("/v1/tenants", **answering(Page[TenantView]))
    def tenants(authorizer: Authorized, cursor: Cursor = "", limit: Limit = 100) -> Response:
        """List the tenants that whoever asks may see."""
        (after,) = answers.key_of(cursor, 1) or ("",)
        wanted = [tenant for tenant in sorted(authorizer.tenants()) if tenant > after][:limit]
        items, unread = list[TenantView](), list[str]()
        for tenant in wanted:
            try:
                items.append(view_of(authorizer.file("tenants.read", tenant)))
            except Refused as refused:  # one file that cannot be read hides no other
                unread.append(str(refused))
        return Json(Page(items, cursor_of(wanted[-1]) if len(wanted) == limit else "", unread))

    @app.get("/v1/tenants/{tenant}", **answering(TenantView))
    def tenant(tenant: TenantId, authorizer: Authorized) -> Response:
        """Show a tenant."""
        return Json(view_of(authorizer.file("tenants.read", tenant)))

    @app.get("/v1/tenants/{tenant}/logs/volume", **answering(TenantVolume))
    def log_volume(tenant: TenantId, authorizer: Authorized, service: OfService, since: date | None = None) -> Response:
        """Show how much of the tenant's logs came in by source, since a day (Asia/Tokyo), and what became of it."""
        return Json(volume_in(tenant, authorizer.tenant("volume.read", tenant), service.clock.now(), since))

    @app.get("/v1/tenants/{tenant}/coverage", **answering(TenantCoverage))
    def coverage(
        tenant: TenantId, authorizer: Authorized, service: OfService, on: date | None = None, month: Word = ""
    ) -> Response:
        """Show what was covered of the tenant, by source and day: of a day, a month (2026-06) or seven days."""
        now, spec = service.clock.now(), authorizer.file("volume.read", tenant)
        return Json(coverage_in(service.home, spec, period_of(on, month, now), now))

    @app.get("/v1/tenants/{tenant}/contract", **answering(Shown))
    def contract(tenant: TenantId, authorizer: Authorized, service: OfService, on: date | None = None) -> Response:
        """Show what holds of the tenant's contract now, or at the end of a day, each with its clause."""
        at = parse_instant(end_of(on)) if on else service.clock.now()
        book = book_of(authorizer.tenant("contract.read", tenant))
        return Json(summary(book, at, service.installation.service_providers))

    @app.get("/v1/tenants/{tenant}/policies", **answering(Page[OwnPolicyView]))
    def policies(tenant: TenantId, authorizer: Authorized) -> Response:
        """List the tenant's own policies, at most a hundred: always one page."""
        with authorizer.tenant("policies.read", tenant).read() as reader:
            forms = own_texts(reader).values()
        return Json(Page([OwnPolicyView(form.id, form.kind, form.severity, form.title) for form in forms]))


def _inventory(app: FastAPI) -> None:
    @app.get("/v1/tenants/{tenant}/assets", **answering(Page[AssetRow]))
    def assets(
        tenant: TenantId,
        authorizer: Authorized,
        wanted: Annotated[Selection, Depends(_assets_wanted)],
    ) -> Response:
        """List resources, without what they look like; `on` = as of the end of a past day (Asia/Tokyo)."""
        with authorizer.tenant("assets.read", tenant).read() as reader:
            rows = reader.assets(wanted)
            return Json(Page(rows, _next([row.uid for row in rows], wanted.limit), reader.damaged))

    @app.get("/v1/tenants/{tenant}/assets/{uid}", **answering(AssetRow))
    def asset(tenant: TenantId, uid: Id, authorizer: Authorized) -> Response:
        """Show a resource as it was last seen."""
        with authorizer.tenant("assets.read", tenant).read() as reader:
            return Json(_found(reader.asset(uid)))

    @app.get("/v1/tenants/{tenant}/findings", **answering(FindingsPage))
    def findings(
        tenant: TenantId,
        authorizer: Authorized,
        service: OfService,
        wanted: Annotated[Selection, Depends(_findings_wanted)],
    ) -> Response:
        """List findings with the coverage beside them; `on` = those that were active at the end of a past day."""
        store = authorizer.tenant("findings.read", tenant)
        line = line_beside(service.home, tenant, service.clock.now(), wanted.at)
        with store.read() as reader:
            rows, coverage = reader.selected_findings(wanted), _coverage(reader, wanted.at, line)
            next_ = _next([row.uid for row in rows], wanted.limit)
            return Json(FindingsPage(rows, coverage, next_, reader.damaged))

    @app.get("/v1/tenants/{tenant}/findings/{uid}", **answering(Finding))
    def finding(tenant: TenantId, uid: Id, authorizer: Authorized) -> Response:
        """Show a finding."""
        with authorizer.tenant("findings.read", tenant).read() as reader:
            return Json(_found(reader.finding(uid)))


def _scans(app: FastAPI) -> None:
    @app.get("/v1/tenants/{tenant}/runs", **answering(Page[Run]))
    def runs(tenant: TenantId, authorizer: Authorized, cursor: Cursor = "", limit: Limit = 100) -> Response:
        """List what scans found out, newest first."""
        after = answers.key_of(cursor, 2)
        with authorizer.tenant("runs.read", tenant).read() as reader:
            rows = reader.runs((after[0], after[1]) if after else None, limit)
            last = cursor_of(rows[-1].started_at, rows[-1].id) if len(rows) == limit else ""
            return Json(Page(rows, last, reader.damaged))

    @app.get("/v1/tenants/{tenant}/runs/{run}", **answering(RunView))
    def run(tenant: TenantId, run: Id, authorizer: Authorized) -> Response:
        """Show one run, with everything that it could not read."""
        with authorizer.tenant("runs.read", tenant).read() as reader:
            return Json(RunView(_found(reader.run(run)), reader.gaps(run)))

    @app.get("/v1/tenants/{tenant}/scans", **answering(Page[Job]))
    def scans(
        tenant: TenantId, authorizer: Authorized, service: OfService, cursor: Cursor = "", limit: Limit = 100
    ) -> Response:
        """List scans that wait, are under way or ended, newest first."""
        after = answers.key_of(cursor, 2)
        authorizer.allow("runs.read", tenant)
        with service.home.service.read() as session:
            jobs = session.jobs.of("scan", tenant, (after[0], after[1]) if after else None, limit)
        last = cursor_of(jobs[-1].slot, jobs[-1].id) if len(jobs) == limit else ""
        return Json(Page([answers.without_holder(job) for job in jobs], last))

    @app.get("/v1/tenants/{tenant}/scans/{job}", **answering(Job))
    def scan(tenant: TenantId, job: Id, authorizer: Authorized, service: OfService) -> Response:
        """Show one scan."""
        authorizer.allow("runs.read", tenant)
        with service.home.service.read() as session:
            found = session.jobs.one(job)
        return Json(
            answers.without_holder(_found(found if found and (found.tenant, found.kind) == (tenant, "scan") else None))
        )

    @app.post("/v1/tenants/{tenant}/scans", **answering(Job, 202))
    def start(tenant: TenantId, authorizer: Authorized, service: OfService) -> Response:
        """Have the tenant scanned as soon as a worker is free."""
        authorizer.allow("scans.start", tenant)
        with service.home.service.read() as session:  # one that waits already is as good as another
            waiting = next((j for j in session.jobs.of("scan", tenant, None, 50) if j.state == "queued"), None)
        if waiting and waiting.due_at <= instant(service.clock.now()):
            return Json(waiting, status_code=202)
        wanted = new_job("scan", tenant, service.clock.now(), authorizer.actor.name)
        return Json(queue(service.home, wanted, service.clock), status_code=202)


def _assets_wanted(
    service: OfService, kind: Word = "", scope: Word = "", region: Word = "", resource: Word = "",
    on: date | None = None, cursor: Cursor = "", limit: Limit = 100,
) -> Selection:  # fmt: skip
    given = {"kind": kind, "scope": scope, "region": region, "resource": resource}
    return _selection(given, as_of(on, service.clock.now()), cursor, limit)


def _findings_wanted(
    service: OfService, policy: Word = "", severity: Severity | None = None, state: State | None = None,
    category: Category | None = None, scope: Word = "", resource: Word = "",
    on: date | None = None, cursor: Cursor = "", limit: Limit = 100,
) -> Selection:  # fmt: skip
    words = {"policy": policy, "scope": scope, "resource": resource}
    given = words | {"severity": severity or "", "state": state or "", "category": category or ""}
    return _selection(given, as_of(on, service.clock.now()), cursor, limit)


def _selection(given: dict[str, str], at: str, cursor: str, limit: int) -> Selection:
    (after,) = answers.key_of(cursor, 1) or ("",)
    return Selection({name: value for name, value in given.items() if value}, after, limit, at)


def _next(uids: list[str], limit: int) -> str:
    return cursor_of(uids[-1]) if len(uids) == limit else ""


def _found(value: Any) -> Any:
    if value is None:
        raise NotFound
    return value


def _coverage(reader: Reader, at: str, line: Text) -> Coverage:
    run = reader.last_run(at)
    return Coverage(run.id, run.finished_at, len(reader.gaps(run.id)), line) if run else Coverage(line=line)


def _refusals(app: FastAPI) -> None:
    """Turn refusals into replies; what a store or a defect says stays inside."""

    def says(status: int, text: str | None = None, **headers: str) -> Callable[[Request, Exception], Response]:
        return lambda _request, problem: Json(Problem(text or str(problem)), status_code=status, headers=headers)

    bearer = {"www-authenticate": "Bearer"}
    app.add_exception_handler(NotSignedIn, says(401, **bearer))
    app.add_exception_handler(NotAllowed, says(403))
    app.add_exception_handler(NoSuchTenant, says(404, "Not Found"))
    app.add_exception_handler(NotFound, says(404, "Not Found"))
    app.add_exception_handler(NoSuchPlan, says(404, "Not Found"))
    app.add_exception_handler(NoSuchCase, says(404, "Not Found"))
    app.add_exception_handler(NoSuchToken, says(404, "Not Found"))
    app.add_exception_handler(answers.BadCursor, says(422, "the cursor is none that this service gave"))
    app.add_exception_handler(TooMany, _too_many)
    app.add_exception_handler(StoreFault, says(503, "the store cannot be used now"))
    app.add_exception_handler(TooLarge, says(413))
    app.add_exception_handler(KeyReused, says(422))
    app.add_exception_handler(ClientDisconnect, says(408, "the request did not come to its end"))
    app.add_exception_handler(NotEntitled, says(409))
    app.add_exception_handler(NotOrdered, says(409))
    app.add_exception_handler(Refused, says(400))
    app.add_exception_handler(RequestValidationError, _invalid)


def _too_many(_request: Request, problem: Exception) -> Response:
    """Say when it is worth another try (RFC 6585, 4)."""
    assert isinstance(problem, TooMany)
    return Json(Problem(str(problem)), status_code=429, headers={"retry-after": str(problem.seconds)})


def _invalid(_request: Request, problem: Exception) -> Response:
    """Name what is wrong with a request, without what it held."""
    assert isinstance(problem, RequestValidationError)
    faults = [f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in problem.errors()]
    return Json(Problem("; ".join(faults)), status_code=422)
