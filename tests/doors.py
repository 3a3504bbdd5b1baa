"""Where people, programs and the schedule come in: commands, routes and jobs, and how each is driven in one process.

`DOORS` are those that may reach a tenant's clouds or channels, or make something new for it: they go under an action of
the contract gate. `REST` are all others, each with the reason why nothing of a tenant is reached there.
"""

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from fastapi.testclient import TestClient
from msgspec import Struct

from api.app import make_app
from api.dependencies import Service
from catalog import access as access_files
from catalog.folder import config_folder
from model.canonical import instant
from model.clock import CONTRACT_ZONE
from model.contract_action import Action
from model.installation import Installation
from model.job import Job, JobKind
from model.person import SCHEDULE, TokenTerms
from people.tokens import mint
from pipeline.access.sign_in import Gate
from pipeline.clock import SystemClock
from pipeline.installation import open_home, service_key
from pipeline.log_spool import spools_in
from pipeline.serving import worker
from pipeline.serving.jobs import JobWorker, change_job, claim, name_of, new_job, queue_scheduled
from store.home import Home
from tests.passwords import QUICK

TENANT, PLAYBOOK = "aozora", "aws.s3.block-public-access"


class Ended(NamedTuple):
    """Whether something was refused, and what was said of it."""

    refused: bool
    said: str


class Site(NamedTuple):
    """A home with a tenant, as whoever has the token finds it; `run` runs a command there, `plans` are ids of plans.

    Of the plans, one is `approved`, one is `done`, and one, `back`, rolls that back and is approved too.
    """

    folder: Path
    token: str
    plans: Mapping[str, str]
    run: Callable[..., tuple[int, str, list[str]]]

    @property
    def home(self) -> Home:
        return open_home(self.folder)

    def queue(self, job: Job) -> None:
        """Queue a job as it was queued while the contract allowed it."""
        with self.home.service.observe(job.due_at, SCHEDULE) as session:
            session.jobs.add(job)

    def work(self, only: str = "") -> Ended:
        """Do the job that is due, or the one alone of an id, as a child of `hinomi serve` does."""
        one = JobWorker(name_of(0), SystemClock())
        job = claim(self.home, one, only)
        assert job is not None, "nothing is queued"
        with unsignalled():
            assert worker.main(str(self.folder), job.id, one.name) == 0
        with self.home.service.read() as session:
            done = session.jobs.one(job.id)
        assert done is not None
        return Ended(done.state == "failed", done.outcome)


@contextmanager
def unsignalled() -> Iterator[None]:
    """Leave this process's signals as they are, whatever a worker does with its own."""
    assert threading.current_thread() is threading.main_thread()
    kept = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for one, handler in kept.items():
            signal.signal(one, handler)


class Door(Struct, frozen=True, kw_only=True):
    """What the program calls it, the action of the gate that it goes under, and what it reaches where that allows it.

    One that only makes something new in the store does not `enter`; one that `notices` sends what is about the contract
    itself; a `silent` one gives no reason for a refusal.
    """

    name: str
    under: Action
    enters: bool = True
    changes: bool = False
    notifies: bool = False
    notices: bool = False
    silent: bool = False

    @property
    def label(self) -> str:
        """Return what names it among the tests."""
        return self.name

    @staticmethod
    def allowed(ended: Ended) -> Ended:
        """Return how a job ended that was queued here: what is not allowed is not even queued."""
        assert not ended.refused, ended.said
        return ended

    def go(self, site: Site) -> Ended:
        """Come in here."""
        raise NotImplementedError


class Command(Door, frozen=True, kw_only=True):
    """A command, with the arguments that are `given`."""

    given: str = "{tenant}"

    @property
    def label(self) -> str:
        return f"{self.name} {self.given}"

    def go(self, site: Site) -> Ended:
        day = SystemClock().now().astimezone(CONTRACT_ZONE).date()
        given = self.given.format(tenant=TENANT, folder=site.folder, today=day, **site.plans)
        status, _, err = site.run(*self.name.split(), *given.split())
        assert status in (0, 2, 3), err
        assert status != 2 or len(err) == 1, err
        return Ended(status == 2, "".join(err))


class Route(Door, frozen=True, kw_only=True):
    """A route, with the `plan` that it is about and what is sent; what it queues is done at once."""

    plan: str = ""
    sent: Mapping[str, Any] | None = None

    @property
    def label(self) -> str:
        return f"{self.name} {self.plan}".strip()

    def go(self, site: Site) -> Ended:
        method, path = self.name.split()
        asked = path.format(tenant=TENANT, plan=site.plans.get(self.plan))
        with httpx.Client() as http, TestClient(application(site.folder, http), "http://127.0.0.1") as client:
            answer = client.request(method, asked, headers={"authorization": f"Bearer {site.token}"}, json=self.sent)
        assert answer.status_code in (201, 202, 409), answer.text
        if answer.status_code == 202:
            return self.allowed(site.work())
        return Ended(answer.status_code == 409, answer.text)


class Pushed(Door, frozen=True, kw_only=True):
    """What a machine of the customer's pushes, by a token for one source."""

    source: str = "aws.cloudtrail"

    def go(self, site: Site) -> Ended:
        now = SystemClock().now()
        wanted = TokenTerms(
            kind="machine", label="m", tenants=(TENANT,), action="logs.push", source=self.source, issued_by="aki"
        )
        token, kept = mint(wanted, timedelta(hours=1), now)
        with site.home.service.write(instant(now), "aki") as session:
            session.people.put_token(kept)
        method, path = self.name.split()
        headers = {"authorization": f"Bearer {token}"}
        with httpx.Client() as http, TestClient(application(site.folder, http), "http://127.0.0.1") as client:
            answer = client.request(method, path.format(source=self.source), headers=headers, content="{}")
        assert answer.status_code in (202, 409), answer.text
        return Ended(answer.status_code == 409, answer.text)


class Queued(Door, frozen=True, kw_only=True):
    """A job that was queued before, when the contract allowed it; a change has a `plan`."""

    name: str = "job"
    kind: JobKind
    plan: str = ""

    @property
    def label(self) -> str:
        return f"{self.name} {self.kind} {self.plan}".strip()

    def go(self, site: Site) -> Ended:
        now = SystemClock().now()
        wanted = change_job(TENANT, site.plans[self.plan], now, "aki") if self.plan else None
        site.queue(wanted or new_job(self.kind, TENANT, now, SCHEDULE))
        ended = site.work()
        waits = self.kind == "tell" and "nothing is sent" in ended.said  # which is no failure: what is queued waits
        return Ended(ended.refused or waits, ended.said)


class Scheduled(Door, frozen=True, kw_only=True):
    """What the parent process of the service does: it queues what the schedule asks for, and has it done."""

    def go(self, site: Site) -> Ended:
        queue_scheduled(site.home, SystemClock())
        with site.home.service.read() as session:
            scan = next((job for job in session.jobs.open() if job.kind == "scan"), None)
        return self.allowed(site.work(scan.id)) if scan else Ended(True, "")


def application(folder: Path, http: httpx.Client) -> Any:
    """Return the API's application on a home, as its server makes it."""
    home, clock, table = open_home(folder), SystemClock(), access_files.load(config_folder())
    gate = Gate(home.service, lambda: service_key(folder), clock, QUICK)
    return make_app(Service(home, gate, table, clock, Installation(), http, spools_in(folder)))


_SCANS, _PLANS = "POST /v1/tenants/{tenant}/scans", "POST /v1/tenants/{tenant}/plans"
DOORS: tuple[Door, ...] = (
    Command(name="scan", under="look", notifies=True),
    Command(name="onboard check", under="onboard"),
    Command(name="plan", given="{tenant} " + PLAYBOOK, under="plan", enters=False),
    Command(name="run", given="{tenant} {approved}", under="change", changes=True, notifies=True),
    Command(name="run", given="{tenant} {back}", under="rollback", changes=True, notifies=True),
    Command(name="verify", given="{tenant} {done}", under="look"),
    Command(name="rollback", given="{tenant} {done}", under="rollback"),
    Command(name="report", given="{tenant} -o {folder}/report.html", under="report", enters=False),
    Command(name="policies apply", given="{tenant} {folder}/own", under="policies", enters=False),
    Command(
        name="orders grant",
        given=f"{{tenant}} {PLAYBOOK} --reason agreed --expires {{today}}",
        under="orders",
        enters=False,
    ),
    Command(name="coverage", given="{tenant} --ask", under="look", enters=False),
    Command(
        name="logs take",
        given="{tenant} {folder}/logs.jsonl --source aws.cloudtrail",
        under="logs.take",
        enters=False,
    ),
    Scheduled(name="serve", under="look", notifies=True, silent=True),
    Route(name=_SCANS, under="look", notifies=True),
    Route(name=_PLANS, sent={"playbook": PLAYBOOK}, under="plan", enters=False),
    Route(name=f"{_PLANS}/{{plan}}/runs", plan="approved", under="change", changes=True, notifies=True),
    Route(name=f"{_PLANS}/{{plan}}/runs", plan="back", under="rollback", changes=True, notifies=True),
    Pushed(name="POST /v1/logs/{source}", under="logs.take", enters=False),
    Queued(kind="scan", under="look", notifies=True),
    Queued(kind="change", plan="approved", under="change", changes=True, notifies=True),
    Queued(kind="change", plan="back", under="rollback", changes=True, notifies=True),
    Queued(kind="tell", under="notify", enters=False, notifies=True),
    Queued(kind="due", under="notice", enters=False, notices=True),
)

READS = "reads the store"
_WRITES = "reads and writes the stores"
_FILES = "local files"
_OWN = "no tenant's: the caller's own credentials"
_NAMES = "looks names up, and connects to nothing"
_PEOPLE = "people and tokens, at most their OpenID provider"
_PROGRAM = "what came with the program"
REST: dict[str, str] = {
    "suspension simulate": "computes what files say",
    "demo": "a company of its own, in clouds of its own",
    "init": _FILES,
    "apply": _NAMES,
    "scans": READS,
    "findings": READS,
    "assets list": READS,
    "assets parse": _FILES,
    "assets show": READS,
    "assets tag": _WRITES,
    "assets untag": _WRITES,
    "policies check": _FILES,
    "policies withdraw": _WRITES,
    "policies list": READS,
    "exceptions add": _WRITES,
    "exceptions list": READS,
    "exceptions withdraw": _WRITES,
    "exceptions import": _WRITES,
    "show": READS,
    "approve": _WRITES,
    "reject": _WRITES,
    "withdraw": _WRITES,
    "status": READS,
    "orders withdraw": _WRITES,
    "orders list": READS,
    "changes halt": _WRITES,
    "changes resume": _WRITES,
    "tenants list": READS,
    "tenants show": READS,
    "tenants editions": READS,
    "contract licence": READS,
    "contract options": READS,
    "contract records": READS,
    "contract show": READS,
    "contract record": _WRITES,
    "contract explain": READS,
    "contract dates": _FILES,
    "suspension list": READS,
    "suspension show": READS,
    "suspension criteria": READS,
    "suspension confirm": _WRITES,
    "suspension lift": _WRITES,
    "logs sources": READS,
    "logs volume": READS,
    "logs read": _WRITES,
    "onboard aws": "writes files for the customer",
    "onboard clusters": READS,
    "enrol": _PEOPLE,
    "login": _PEOPLE,
    "logout": _PEOPLE,
    "whoami": _PEOPLE,
    "people add": _PEOPLE,
    "people list": _PEOPLE,
    "people change": _PEOPLE,
    "people invite": _PEOPLE,
    "people disable": _PEOPLE,
    "tokens issue": _PEOPLE,
    "tokens list": _PEOPLE,
    "tokens revoke": _PEOPLE,
    "tokens machine issue": _PEOPLE,
    "tokens machine list": _PEOPLE,
    "tokens machine revoke": _PEOPLE,
    "backup": _WRITES,
    "restore": _WRITES,
    "upgrade": _NAMES,
    "check aws": _OWN,
    "check azure": _OWN,
    "check gcp": _OWN,
    "check kubernetes": _OWN,
    "check iac": _FILES,
    "audit verify": READS,
    "audit rotate-key": _WRITES,
    "audit set-clock": _WRITES,
    "permissions aws": _PROGRAM,
    "permissions azure": _PROGRAM,
    "permissions gcp": _PROGRAM,
    "permissions kubernetes": _PROGRAM,
    "permissions changes": _PROGRAM,
    "catalog list": _PROGRAM,
    "catalog test": _PROGRAM,
    "GET /healthz": READS,
    "GET /metrics": READS,
    "GET /v1/me": READS,
    "GET /v1/tenants": READS,
    "GET /v1/tenants/{tenant}": READS,
    "GET /v1/tenants/{tenant}/assets": READS,
    "GET /v1/tenants/{tenant}/assets/{uid}": READS,
    "GET /v1/tenants/{tenant}/contract": READS,
    "GET /v1/tenants/{tenant}/coverage": READS,
    "GET /v1/tenants/{tenant}/findings": READS,
    "GET /v1/tenants/{tenant}/findings/{uid}": READS,
    "GET /v1/tenants/{tenant}/logs/volume": READS,
    "GET /v1/tenants/{tenant}/machine-tokens": _PEOPLE,
    "POST /v1/tenants/{tenant}/machine-tokens": _PEOPLE,
    "DELETE /v1/tenants/{tenant}/machine-tokens/{token}": _PEOPLE,
    "GET /v1/tenants/{tenant}/plans": READS,
    "GET /v1/tenants/{tenant}/plans/{plan}": READS,
    "GET /v1/tenants/{tenant}/plans/{plan}/page": READS,
    "GET /v1/tenants/{tenant}/plans/{plan}/runs": READS,
    "POST /v1/tenants/{tenant}/plans/{plan}/votes": _WRITES,
    "DELETE /v1/tenants/{tenant}/plans/{plan}/votes": _WRITES,
    "GET /v1/tenants/{tenant}/policies": READS,
    "GET /v1/tenants/{tenant}/runs": READS,
    "GET /v1/tenants/{tenant}/runs/{run}": READS,
    "GET /v1/tenants/{tenant}/suspensions": READS,
    "GET /v1/tenants/{tenant}/suspensions/criteria": READS,
    "GET /v1/tenants/{tenant}/suspensions/{case}": READS,
    "GET /v1/tenants/{tenant}/suspensions/{case}/page": READS,
    "GET /v1/tenants/{tenant}/scans": READS,
    "GET /v1/tenants/{tenant}/scans/{job}": READS,
    "POST /v1/enrolments": _PEOPLE,
    "POST /v1/sign-in/device": _PEOPLE,
    "POST /v1/sign-in/device/token": _PEOPLE,
    "POST /v1/sign-in/local": _PEOPLE,
    "POST /v1/tokens": _PEOPLE,
    "DELETE /v1/tokens/current": _PEOPLE,
}
