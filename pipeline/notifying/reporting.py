"""A tenant's report, from its store and the catalog."""

from collections.abc import Sequence

from catalog.checkov import Adopted
from catalog.policies import Described, Policy
from model.canonical import instant, parse_instant
from model.clock import Clock
from model.fault import Refused
from model.finding import LIVE
from model.service_provider import ServiceProviders
from model.tenant import Tenant
from pipeline.policies.texts import texts
from pipeline.tenants.coverage import REPORT_DAYS, last_days, log_coverage
from pipeline.tenants.gate import ask, bought
from pipeline.tenants.log_rates import criteria_of
from pipeline.tenants.provided import provider_name
from pipeline.tenants.scopes import named
from reports.proposals import Advice
from reports.report import LookedAt, Report, Subject, build
from store.home import Home

_PROPOSALS = "improvement"


def make_report(
    home: Home, tenant: Tenant, policies: Sequence[Policy | Adopted], clock: Clock, among: ServiceProviders
) -> Report:
    """Return the report as of the tenant's last scan, from a home; raises `Refused` where there was none yet.

    Only findings of these policies are in it; it is dated by the clock. It carries the name of the provider, `among`
    those of the installation, that the contract was with when the scan ended. Raises `NotEntitled` where the contract
    does not allow it, and `Refused` for a provider that is not known. It has proposals where they were bought, and what
    was covered of the logs of the last 30 days.
    """
    store = home.tenant(tenant.tenant)
    ask(store, tenant.tenant, "report", clock.now())
    with store.read() as reader:
        run = reader.last_run()
        if run is None:
            raise Refused(f"{tenant.tenant} was not scanned yet; run `hinomi scan {tenant.tenant}` first")
        findings, gaps = list(reader.findings(LIVE)), reader.gaps(run.id)
        exceptions = {one.id: one for one in reader.suppressions()}
        scopes = sorted({*(scope.id for scope in named(tenant).found), *reader.scopes()})
        advice = {id_: _advice(form) for id_, form in texts(policies, reader).items()}
    provider = provider_name(store, parse_instant(run.finished_at), among)
    proposes = _PROPOSALS in bought(store, clock.now())
    criteria = criteria_of(tenant.tenant, store, clock.now()).text
    subject = Subject(tenant.tenant, tenant.name, tuple(scopes), exceptions, provider, proposes, tuple(criteria))
    logs = log_coverage(home, tenant, last_days(REPORT_DAYS, clock.now()), clock.now())
    return build(subject, LookedAt(run, gaps, logs), findings, advice, instant(clock.now()))


def _advice(form: Described) -> Advice:
    return Advice(
        policy=form.id,
        severity=form.severity,
        title=form.title,
        risk=form.risk,
        fix=form.fix,
        remedy=form.remedy or form.id,
        effort_hours=form.effort_hours,
        controls=tuple(form.controls),
    )
