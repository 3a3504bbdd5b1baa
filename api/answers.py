"""What the API answers, as forms: one description for the replies and for OpenAPI."""

import base64
import binascii
from typing import Any, Generic, TypeVar

import msgspec
from fastapi.responses import JSONResponse
from msgspec import Struct
from msgspec.structs import replace

from contract.showing import Shown
from contract.suspension_criteria import Criteria
from model.finding import Finding, Severity
from model.job import Job
from model.plan import Plan, Progress, Sent
from model.text import Text
from pipeline.intake.pushing import Taken
from pipeline.intake.volume import TenantVolume
from pipeline.suspending.reading import Case, Suspensions
from pipeline.tenants.coverage import TenantCoverage
from pipeline.tenants.views import TenantView
from remediation.approval import Standing
from store.rows import AssetRow, Gap, Run

T = TypeVar("T")
LARGEST_PAGE = 500


class Page(Struct, Generic[T], frozen=True):
    """One page; `next` is the cursor of the one after it, the empty text on the last.

    `damaged` names what cannot be read, and was left out: rows of the store, tenants' files.
    """

    items: list[T]
    next: str = ""
    damaged: list[str] = []


class Coverage(Struct, frozen=True):
    """How much the newest scan could read: «no findings» mean nothing without it. Empty where there was no scan.

    `line` says in words what was covered, of the logs of seven days too.
    """

    run: str = ""
    finished_at: str = ""
    gaps: int = 0
    line: Text = Text("", "")


class FindingsPage(Struct, frozen=True):
    """One page of findings, with the coverage of the newest scan beside it; `damaged` as in `Page`."""

    items: list[Finding]
    coverage: Coverage
    next: str = ""
    damaged: list[str] = []


class OwnPolicyView(Struct, frozen=True):
    """A policy of the tenant's own; the expression stays inside."""

    id: str
    kind: str
    severity: Severity
    title: Text


class RunView(Struct, frozen=True):
    """A scan that came to its end, with what it could not read."""

    run: Run
    gaps: list[Gap]


class PlanRow(Struct, frozen=True):
    """A plan in a list; `states` counts its resources by how far they are, those not begun left out."""

    id: str
    hash: str
    playbook: str
    undoes: str
    author: str
    requester: str
    created_at: str
    resources: int
    standing: Standing
    states: dict[str, int]


class PlanView(Struct, frozen=True):
    """A plan with where it stands by its votes, how far each resource is, and every call that may have been sent."""

    hash: str
    standing: Standing
    plan: Plan
    progress: list[Progress]
    calls: list[Sent]


class Me(Struct, frozen=True):
    """Whoever asks."""

    name: str
    roles: tuple[str, ...]
    tenants: tuple[str, ...]


class Issued(Struct, frozen=True):
    """A token; it is shown this once."""

    token: str


class MachineToken(Struct, frozen=True):
    """A machine's token: the one action, tenant and source that it is for, who issued it, and until when it holds."""

    id: str
    label: str
    action: str
    tenant: str
    source: str
    issued_by: str
    issued_at: str
    expires_at: str
    revoked_at: str


class Started(Struct, frozen=True):
    """A sign-in at the OpenID provider: open the URI, enter the code, then ask with the handle."""

    handle: str
    user_code: str
    verification_uri: str
    complete_uri: str
    interval_seconds: int


class Enrolled(Struct, frozen=True):
    """What an authenticator takes."""

    person: str
    uri: str


class Problem(Struct, frozen=True):
    """What was wrong with a request."""

    detail: str


def without_holder(job: Job) -> Job:
    """Return a job without the machine and the process that hold it: they are nobody's business out there."""
    return replace(job, holder="", number=0)


FORMS: tuple[Any, ...] = (
    Page[TenantView],
    Page[OwnPolicyView],
    Page[AssetRow],
    Page[Run],
    Page[Job],
    Page[PlanRow],
    Page[MachineToken],
    PlanView,
    Standing,
    FindingsPage,
    Finding,
    AssetRow,
    TenantView,
    TenantVolume,
    TenantCoverage,
    Taken,
    Shown,
    Suspensions,
    Case,
    Criteria,
    RunView,
    Job,
    Me,
    Issued,
    Started,
    Enrolled,
    Problem,
)


class Json(JSONResponse):
    """A reply in JSON, by the forms' own encoder."""

    def render(self, content: Any) -> bytes:
        """Return the content as JSON."""
        return msgspec.json.encode(content)


def answering(form: Any, status: int = 200) -> dict[str, Any]:
    """Return what a route says of its reply."""
    said = {status: {"content": _content(form)}}
    return {"response_class": Json, "response_model": None, "status_code": status, "responses": said}


def components() -> dict[str, Any]:
    """Return the forms as OpenAPI's components."""
    _, found = msgspec.json.schema_components(FORMS, ref_template="#/components/schemas/{name}")
    return found


def _content(form: Any) -> dict[str, Any]:
    (schema,), _ = msgspec.json.schema_components([form], ref_template="#/components/schemas/{name}")
    return {"application/json": {"schema": schema}}


class BadCursor(Exception):
    """The cursor is none that we gave."""


def cursor_of(*key: str) -> str:
    """Return the cursor that goes on after a key."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).rstrip(b"=").decode()


def key_of(cursor: str, parts: int) -> tuple[str, ...] | None:
    """Return the key to go on after, None at the beginning; raises `BadCursor` for a cursor that is none of ours.

    A key has so many `parts`.
    """
    if not cursor:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        key = msgspec.json.decode(raw, type=tuple[str, ...])
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise BadCursor from None
    if len(key) != parts or any("\0" in part for part in key):
        raise BadCursor
    return key
