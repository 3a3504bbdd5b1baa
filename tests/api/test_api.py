"""The HTTP API: every route by every role and at a foreign tenant, paging, what it never reveals."""

import json
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import msgspec
import pyotp
import pytest
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from msgspec.structs import replace

from api import plans, sign_in
from api.app import make_app
from api.dependencies import Service
from catalog import access as access_files
from catalog.folder import config_folder
from contract.access import may
from model.canonical import digest, instant
from model.contract_record import SettingRecord
from model.finding import Fact, advance, finding_uid
from model.installation import Installation
from model.person import Actor, Person, Tenants, TokenTerms
from model.plan import Plan
from model.service_provider import ServiceProvider
from model.tenant import Suspension
from model.text import Text
from people import tokens
from pipeline.access.sign_in import Gate
from pipeline.changing.plans import Wanted, make_plan
from pipeline.log_spool import spools_in
from pipeline.serving.jobs import new_job, queue
from store.home import Home
from tests.conftest import MovingClock
from tests.contracts import agreed, on_record
from tests.filled import asset, fill, verdict
from tests.homes import Homes, Originals, tamper
from tests.passwords import QUICK
from tests.recorded_clouds import TENANT
from tests.servers.api_server import answering_on_loopback
from tests.suspensions import proposed

ACCESS = access_files.load(config_folder())
PEOPLE = [name for name, role in ACCESS.roles.items() if role.side != "host"]
MINE, FOREIGN = "aozora", "midori"

# What each route needs, written down here once more: a route that asks for less than it should turns this red.
NEEDS = {
    ("GET", "/v1/tenants/{tenant}"): "tenants.read",
    ("GET", "/v1/tenants/{tenant}/contract"): "tenants.read",
    ("GET", "/v1/tenants/{tenant}/coverage"): "volume.read",
    ("GET", "/v1/tenants/{tenant}/logs/volume"): "volume.read",
    ("GET", "/v1/tenants/{tenant}/suspensions"): "contract.read",
    ("GET", "/v1/tenants/{tenant}/suspensions/criteria"): "contract.read",
    ("GET", "/v1/tenants/{tenant}/suspensions/{case}"): "contract.read",
    ("GET", "/v1/tenants/{tenant}/suspensions/{case}/page"): "contract.read",
    ("GET", "/v1/tenants/{tenant}/assets"): "assets.read",
    ("GET", "/v1/tenants/{tenant}/assets/{uid}"): "assets.read",
    ("GET", "/v1/tenants/{tenant}/findings"): "findings.read",
    ("GET", "/v1/tenants/{tenant}/findings/{uid}"): "findings.read",
    ("GET", "/v1/tenants/{tenant}/policies"): "policies.read",
    ("GET", "/v1/tenants/{tenant}/runs"): "runs.read",
    ("GET", "/v1/tenants/{tenant}/runs/{run}"): "runs.read",
    ("GET", "/v1/tenants/{tenant}/scans"): "runs.read",
    ("GET", "/v1/tenants/{tenant}/scans/{job}"): "runs.read",
    ("POST", "/v1/tenants/{tenant}/scans"): "scans.start",
    ("GET", "/v1/tenants/{tenant}/plans"): "plans.read",
    ("GET", "/v1/tenants/{tenant}/plans/{plan}"): "plans.read",
    ("GET", "/v1/tenants/{tenant}/plans/{plan}/page"): "plans.read",
    ("GET", "/v1/tenants/{tenant}/plans/{plan}/runs"): "plans.read",
    ("POST", "/v1/tenants/{tenant}/plans"): "plans.propose",
    ("POST", "/v1/tenants/{tenant}/plans/{plan}/votes"): "plans.approve",
    ("DELETE", "/v1/tenants/{tenant}/plans/{plan}/votes"): "plans.approve",
    ("POST", "/v1/tenants/{tenant}/plans/{plan}/runs"): "plans.run",
    ("GET", "/v1/tenants/{tenant}/machine-tokens"): "people.manage",
    ("POST", "/v1/tenants/{tenant}/machine-tokens"): "people.manage",
    ("DELETE", "/v1/tenants/{tenant}/machine-tokens/{token}"): "people.manage",
}
PLAYBOOK = "aws.s3.block-public-access"
MACHINE = {"action": "runs.read", "source": "ci.main", "label": "nightly", "days": 30}
# What is sent, and what comes of it where it is allowed: here nobody has seen the plan, and nobody has approved it.
SENT = {
    "/v1/tenants/{tenant}/scans": (None, 202),
    "/v1/tenants/{tenant}/plans": ({"playbook": PLAYBOOK}, 201),
    "/v1/tenants/{tenant}/plans/{plan}/votes": ({"hash": "0" * 64, "approve": True}, 400),
    "/v1/tenants/{tenant}/plans/{plan}/runs": (None, 400),
    "/v1/tenants/{tenant}/machine-tokens": (MACHINE, 201),
}


def plan_for(home: Home, clock: MovingClock, name: str) -> Plan:
    """Make a plan of a tenant's, in somebody's name who does nothing else here."""
    spec = msgspec.structs.replace(TENANT, tenant=name)
    return make_plan(home.tenant(name), spec, Wanted(PLAYBOOK, ""), Actor("mori", ("analyst",), (name,)), clock)


class Api:
    """The API over two tenants, and a token for whoever is asked for."""

    def __init__(self, home: Home, clock: MovingClock) -> None:
        self.home = home
        self.clock = clock
        self.gate = Gate(home.service, lambda: b"k" * 32, clock, QUICK)
        self.http = httpx.Client()
        self.app = make_app(Service(home, self.gate, ACCESS, clock, Installation(), self.http, spools_in(Path())))
        self.client: Any = TestClient(self.app, "http://127.0.0.1", raise_server_exceptions=False)

    def token(self, role: str, tenants: Tenants = (MINE,)) -> str:
        """Return a token of somebody with a role."""
        at = instant(self.clock.now())
        person = Person(f"p.{role}", role, "ja", (role,), tenants, at)
        terms = TokenTerms(kind="sign-in", label="sign-in", tenants=tenants, person=person.id)
        token, kept = tokens.mint(terms, timedelta(hours=1), self.clock.now())
        with self.home.service.write(at, "p") as session:
            session.people.put(person)
            session.people.put_token(kept)
        return token

    def machine(self, action: str) -> str:
        """Return the token of a machine for an action."""
        terms = TokenTerms(kind="machine", label="m", tenants=(MINE,), action=action, source="s", issued_by="p")
        token, kept = tokens.mint(terms, timedelta(hours=1), self.clock.now())
        with self.home.service.write(instant(self.clock.now()), "p") as session:
            session.people.put_token(kept)
        return token

    def ask(self, method: str, path: str, token: str, **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        answer: httpx.Response = self.client.request(method, path, headers=headers, **more)
        return answer


@pytest.fixture
def address(homes: Homes, originals: Originals) -> str:
    """Where the stores of two tenants are."""

    def fill_both(home: Home) -> None:
        for name in (MINE, FOREIGN):
            fill(home, MovingClock(), name)

    return originals.copy("two tenants", homes, fill_both)


@pytest.fixture
def api(home: Home, clock: MovingClock) -> Iterator[Api]:
    made = Api(home, clock)
    with made.http, made.client:
        yield made


@pytest.fixture
def served(api: Api) -> Iterator[Api]:
    """The API by the real server; all else asks it in this process, by the same interface (ASGI)."""
    with answering_on_loopback(api.app) as server, httpx.Client(base_url=server.url, timeout=30) as client:
        api.client = client
        yield api


def paths(api: Api, tenant: str) -> list[tuple[str, str, str]]:
    """Return every route of a tenant: method, pattern, and a path to something that is there."""
    routes = [(path, said) for path, said in api.app.openapi()["paths"].items() if "{tenant}" in path]
    job = api.ask("POST", f"/v1/tenants/{tenant}/scans", api.token("lead", "all")).json()["id"]
    plan = plan_for(api.home, api.clock, tenant).id
    machines = f"/v1/tenants/{tenant}/machine-tokens"
    api.ask("POST", machines, api.token("operator", "all"), json=MACHINE)
    machine = api.ask("GET", machines, api.token("operator", "all")).json()["items"][0]["id"]
    case = proposed(api.home, tenant, instant(api.clock.now()))
    ids = {"{tenant}": tenant, "{run}": digest(tenant), "{job}": job, "{plan}": plan, "{token}": machine}
    ids["{case}"] = case
    found = []
    for pattern, said in routes:
        things = {"{uid}": verdict(0).finding_uid if "findings" in pattern else asset(0).uid}
        path = pattern
        for name, value in (ids | things).items():
            path = path.replace(name, value)
        found += [(method.upper(), pattern, path) for method in sorted(said)]
    return found


def send(api: Api, method: str, pattern: str, path: str, token: str) -> httpx.Response:
    body = SENT[pattern][0] if method == "POST" else None
    return api.ask(method, path, token, **({"json": body} if body else {}))


def test_every_route_of_a_tenant_is_known_here(api: Api) -> None:
    assert {(method, pattern) for method, pattern, _ in paths(api, MINE)} == set(NEEDS)
    every = [*api.app.routes, *plans.router.routes, *sign_in.router.routes]
    hidden = {each.path for each in every if isinstance(each, APIRoute) and not each.include_in_schema}
    assert hidden == {"/healthz", "/metrics"}, "OpenAPI names every other route"


@pytest.mark.sweep
def test_every_route_by_every_role_and_at_a_foreign_tenant(api: Api) -> None:
    mine, foreign = paths(api, MINE), paths(api, FOREIGN)
    for role in PEOPLE:
        token = api.token(role)
        for method, pattern, path in mine:
            allowed = may(ACCESS, Actor("p", (role,), (MINE,)), NEEDS[method, pattern], MINE)
            done = 200 if method == "GET" else SENT.get(pattern, (None, 204))[1]
            expected = done if allowed else 403
            assert send(api, method, pattern, path, token).status_code == expected, (role, method, path)
        for method, pattern, path in foreign:
            answer = send(api, method, pattern, path, token)
            nowhere = send(api, method, pattern, path.replace(FOREIGN, "nobody"), token)
            assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"}), (role, method, path)
            assert answer.json() == nowhere.json()


@pytest.mark.parametrize("action", ["findings.read", "scans.start"])
def test_a_machine_does_one_thing_at_one_tenant_and_nothing_else(api: Api, action: str) -> None:
    mine, foreign, token = paths(api, MINE), paths(api, FOREIGN), api.machine(action)
    for method, pattern, path in mine:
        expected = (202 if method == "POST" else 200) if NEEDS[method, pattern] == action else 403
        assert send(api, method, pattern, path, token).status_code == expected, (method, path)
    for method, pattern, path in foreign:
        assert send(api, method, pattern, path, token).status_code == 404, (method, path)
    assert api.ask("GET", "/v1/tenants", token).status_code == 403
    assert api.ask("POST", "/v1/tokens", token, json={"label": "more"}).status_code == 403
    assert api.ask("DELETE", "/v1/tokens/current", token).status_code == 403
    me = api.ask("GET", "/v1/me", token).json()
    assert (me["name"][:8], me["roles"], me["tenants"]) == ("machine:", [], [MINE])


def test_a_machines_token_of_a_foreign_tenant_is_nobodys_under_ones_own(api: Api) -> None:
    token = api.token("operator", "all")
    foreign, mine = (f"/v1/tenants/{name}/machine-tokens" for name in (FOREIGN, MINE))
    issued = api.ask("POST", foreign, token, json=MACHINE).json()["token"]
    (kept,) = api.ask("GET", foreign, token).json()["items"]
    assert api.ask("DELETE", f"{mine}/{kept['id']}", token).status_code == 404
    assert api.ask("GET", "/v1/me", issued).status_code == 200
    assert api.ask("DELETE", f"{foreign}/{kept['id']}", token).status_code == 204
    assert api.ask("GET", "/v1/me", issued).status_code == 401


def test_pages_of_machines_tokens_add_up(api: Api) -> None:
    token, base = api.token("operator"), f"/v1/tenants/{MINE}/machine-tokens"
    for _ in range(3):
        assert api.ask("POST", base, token, json=MACHINE).status_code == 201
    first = api.ask("GET", f"{base}?limit=2", token).json()
    second = api.ask("GET", f"{base}?limit=2&cursor={first['next']}", token).json()
    assert (len(first["items"]), len(second["items"]), second["next"]) == (2, 1, "")
    one = first["items"][0]
    shown = {name: one[name] for name in ("label", "action", "tenant", "source", "issued_by", "revoked_at")}
    named = {name: MACHINE[name] for name in ("label", "action", "source")}
    assert shown == named | {"tenant": MINE, "issued_by": "p.operator", "revoked_at": ""}


def test_ids_of_a_foreign_tenant_are_nobodys_under_ones_own(api: Api) -> None:
    token = api.token("lead")
    for method, pattern, path in paths(api, FOREIGN):
        mixed = path.replace(f"/{FOREIGN}", f"/{MINE}")
        answer = send(api, method, pattern, mixed, token)
        if re.search("/(scans|runs|plans)/", path):  # assets and findings have the same ids at both: same resources
            assert answer.status_code == 404, mixed


def test_no_token_no_answer(api: Api) -> None:
    for method, _, path in paths(api, MINE):
        for headers in ({}, {"authorization": "Bearer hinomi_x"}, {"authorization": "Basic YTpi"}):
            answer = api.client.request(method, path, headers=headers)
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), path
    token = api.token("lead")
    api.clock.sleep(3601)
    assert api.ask("GET", "/v1/me", token).status_code == 401


def test_lists_show_only_ones_own_tenants(api: Api) -> None:
    assert [t["tenant"] for t in api.ask("GET", "/v1/tenants", api.token("viewer")).json()["items"]] == [MINE]
    assert api.ask("GET", "/v1/me", api.token("viewer")).json()["tenants"] == [MINE]
    everything = api.ask("GET", "/v1/tenants", api.token("analyst", "all")).json()
    assert [t["tenant"] for t in everything["items"]] == [MINE, FOREIGN]


def test_a_tenant_states_its_options_and_when_it_is_suspended(api: Api) -> None:
    suspended = [Suspension(date(2026, 11, 1), "logs flood the service", date(2026, 11, 7))]
    contract = replace(TENANT.agreed, options=["function-code"], suspended=suspended)
    agreed(api.home, replace(TENANT, tenant=MINE), contract, instant(api.clock.now()))
    reported = api.ask("GET", f"/v1/tenants/{MINE}", api.token("viewer")).json()
    assert reported["options"] == ["function-code"]
    assert reported["suspended"] == [
        {"first_day": "2026-11-01", "reason": "logs flood the service", "last_day": "2026-11-07"}
    ]


def test_a_contract_is_shown_and_what_it_does_not_allow_is_a_conflict(api: Api) -> None:
    shown = api.ask("GET", f"/v1/tenants/{MINE}/contract?on=2026-11-05", api.token("viewer")).json()
    assert (shown["state"], shown["first_day"]) == (
        {"value": "running", "clause": "7(1)"}, {"value": "2026-06-01", "clause": "7(1)"},
    )  # fmt: skip
    suspended = [Suspension(date(2026, 6, 1), "logs flood the service")]
    contract = replace(TENANT.agreed, suspended=suspended)
    agreed(api.home, replace(TENANT, tenant=MINE), contract, instant(api.clock.now()))
    shown = api.ask("GET", f"/v1/tenants/{MINE}/contract", api.token("viewer")).json()
    assert (shown["state"]["value"], shown["entitled"], shown["billable"]["value"]) == (
        "suspended", {"value": False, "clause": "11"}, True,
    )  # fmt: skip
    asked = api.ask("POST", f"/v1/tenants/{MINE}/scans", api.token("lead"))
    assert asked.status_code == 409
    assert "logs flood the service (Article 11)" in asked.text


@pytest.mark.parametrize("what", ["assets", "findings"])
def test_pages_add_up_to_the_whole(api: Api, what: str) -> None:
    token = api.token("lead")
    whole = api.ask("GET", f"/v1/tenants/{MINE}/{what}?limit=500", token).json()
    assert whole["next"] == ""
    items: list[Any] = []
    cursor = ""
    for _ in range(9):
        page = api.ask("GET", f"/v1/tenants/{MINE}/{what}?limit=2&cursor={cursor}", token).json()
        items += page["items"]
        cursor = page["next"]
        if not cursor:
            break
    assert items == whole["items"]
    assert len(items) == {"assets": 7, "findings": 5}[what]


def test_pages_of_scans_add_up_too(api: Api) -> None:
    token = api.token("lead")
    asked = []
    for _ in range(5):
        api.clock.sleep(1)
        asked.append(queue(api.home, new_job("scan", MINE, api.clock.now(), "p"), api.clock).id)
    first = api.ask("GET", f"/v1/tenants/{MINE}/scans?limit=3", token).json()
    second = api.ask("GET", f"/v1/tenants/{MINE}/scans?limit=3&cursor={first['next']}", token).json()
    assert [job["id"] for job in first["items"] + second["items"]] == asked[::-1]
    assert second["next"] == ""


def test_a_scan_that_waits_already_is_as_good_as_another(api: Api) -> None:
    token = api.token("approver")
    first = api.ask("POST", f"/v1/tenants/{MINE}/scans", token).json()
    api.clock.sleep(1)
    assert api.ask("POST", f"/v1/tenants/{MINE}/scans", token).json()["id"] == first["id"]


@pytest.mark.parametrize("what", ["assets?kind=%00", "assets/%00", "runs/a%00", "scans?cursor=WyJcdTAwMDAiLCJhIl0"])
def test_nul_is_in_no_text(api: Api, what: str) -> None:
    assert api.ask("GET", f"/v1/tenants/{MINE}/{what}", api.token("lead")).status_code == 422
    form = {"person": "a\0", "password": "x", "code": "1"}
    assert api.client.post("/v1/sign-in/local", json=form).status_code == 422
    assert api.ask("GET", f"/v1/tenants/{MINE}/assets?on=9999-12-31", api.token("lead")).status_code == 400


def test_findings_never_come_without_their_coverage(api: Api) -> None:
    page = api.ask("GET", f"/v1/tenants/{MINE}/findings?severity=low", api.token("lead")).json()
    assert page["items"] == []
    line = page["coverage"].pop("line")
    assert page["coverage"] == {"run": digest(MINE), "finished_at": instant(api.clock.now()), "gaps": 1}
    assert line["en"] == ("coverage: 100.0 % of the judgements could be made, 1 gap; logs: no source is set up")


def test_filters_and_past_days(api: Api) -> None:
    token, base = api.token("lead"), f"/v1/tenants/{MINE}"
    assert len(api.ask("GET", f"{base}/assets?resource=arn:aws:s3:::b3", token).json()["items"]) == 1
    assert api.ask("GET", f"{base}/assets?kind=aws.kms.key", token).json()["items"] == []
    api.clock.sleep(86400)
    at = instant(api.clock.now())
    with api.home.tenant(MINE).write(at, "p") as writer:  # a day later one resource is gone and remediated
        writer.end_assets([asset(0).uid], at)
        before = reader_finding(writer, 0)
        after, fact = advance(before, msgspec.structs.replace(verdict(0), status="pass", message=None), at)
        assert after
        assert fact
        writer.put_findings([after])
        writer.put_facts([fact], "r")
    token = api.token("lead")
    for what, then, now in (("assets", 7, 6), ("findings", 5, 4)):
        assert len(api.ask("GET", f"{base}/{what}?on=2026-06-01", token).json()["items"]) == then
        assert len(api.ask("GET", f"{base}/{what}?on=2026-06-02", token).json()["items"]) == now
        assert api.ask("GET", f"{base}/{what}?on=2026-05-31", token).json()["items"] == []
    uid = verdict(0).finding_uid
    assert api.ask("GET", f"{base}/findings?state=resolved", token).json()["items"][0]["uid"] == uid
    assert api.ask("GET", f"{base}/findings?state=resolved&on=2026-06-01", token).json()["items"] == []
    (resolved,) = api.ask("GET", f"{base}/findings?state=resolved&on=2026-06-02", token).json()["items"]
    assert (resolved["uid"], resolved["resolved_because"]) == (uid, "passes")
    assert api.ask("GET", f"{base}/findings?on=2026-05-31", token).json()["coverage"]["run"] == ""
    past = {item["uid"]: item for item in api.ask("GET", f"{base}/findings?on=2026-06-01", token).json()["items"]}
    assert (past[uid]["state"], past[uid]["resolved_because"]) == ("open", "")


def test_findings_are_asked_for_by_category(api: Api) -> None:
    token, base = api.token("lead"), f"/v1/tenants/{MINE}/findings"
    at = instant(api.clock.now())
    with api.home.tenant(MINE).write(at, "p") as writer:
        found = reader_finding(writer, 0)
        uid = finding_uid("threat", found.scope, found.policy, found.resource)
        writer.put_findings([msgspec.structs.replace(found, uid=uid, category="threat")])
        writer.put_facts([Fact(uid, "open", at)], "")
    api.clock.sleep(86400)
    token = api.token("lead")
    for query, categories in {
        "": ["posture"] * 5 + ["threat"],
        "?category=posture": ["posture"] * 5,
        "?category=threat": ["threat"],
        "?category=service": [],
        "?category=threat&on=2026-06-01": ["threat"],
    }.items():
        items = api.ask("GET", f"{base}{query}", token).json()["items"]
        assert sorted(item["category"] for item in items) == categories, query
    assert api.ask("GET", f"{base}/{uid}", token).json()["category"] == "threat"
    assert api.ask("GET", f"{base}?category=x", token).status_code == 422


def reader_finding(reader: Any, number: int) -> Any:
    return reader.finding(verdict(number).finding_uid)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("limit=0", 422),
        ("limit=501", 422),
        ("limit=x", 422),
        ("cursor=!!", 422),
        ("cursor=WyJhIiwiYiJd", 422),
        ("on=2026-13-01", 422),
        ("on=2027-06-01", 400),
        ("severity=high", 422),
        ("Kind=aws.s3.bucket", 422),
        ("limit=1&limit=500", 422),
        ("=", 422),
    ],
)
def test_requests_that_do_not_fit(api: Api, query: str, status: int) -> None:
    answer = api.ask("GET", f"/v1/tenants/{MINE}/assets?{query}", api.token("lead"))
    assert answer.status_code == status
    assert set(answer.json()) == {"detail"}


@pytest.mark.parametrize("query", ["severity=hgih", "state=closed"])
def test_a_word_that_no_finding_can_have_is_no_empty_list(api: Api, query: str) -> None:
    assert api.ask("GET", f"/v1/tenants/{MINE}/findings?{query}", api.token("lead")).status_code == 422


def test_a_parameter_that_is_not_known_is_named_with_those_that_are(api: Api) -> None:
    answer = api.ask("GET", f"/v1/tenants/{MINE}/runs?page=2", api.token("lead"))
    assert answer.json() == {"detail": "query.page: is not known here; known are cursor, limit"}
    assert api.ask("GET", "/healthz?at=1", "").status_code == 200


def test_a_body_that_is_too_large_is_not_read(api: Api) -> None:
    form = {"person": "a", "password": "x" * 100_000, "code": "1"}
    assert api.client.post("/v1/sign-in/local", json=form).status_code == 413


@pytest.mark.process
def test_the_way_of_a_person_through_the_api(served: Api) -> None:
    api = served
    at = instant(api.clock.now())
    with api.home.service.write(at, "p") as session:
        session.people.put(Person("ito", "伊藤", "ja", ("viewer",), (MINE,), at))
        person = session.people.one("ito")
        assert person
        invitation = api.gate.invite(session, person)
    password = "correct horse battery staple"
    enrolled = api.client.post("/v1/enrolments", json={"invitation": invitation, "password": password}).json()
    authenticator: Any = pyotp.parse_uri(enrolled["uri"])
    form = {"person": "ito", "password": password, "code": authenticator.at(api.clock.now())}
    token = api.client.post("/v1/sign-in/local", json=form).json()["token"]
    assert api.client.post("/v1/sign-in/local", json=form).status_code == 401, "a code counts once"
    further = api.ask("POST", "/v1/tokens", token, json={"label": "ci", "days": 2}).json()["token"]
    assert api.ask("GET", "/v1/me", further).json() == {"name": "ito", "roles": ["viewer"], "tenants": [MINE]}
    refused = api.ask("POST", "/v1/tokens", further, json={"label": "more", "days": 366})
    assert refused.status_code == 403
    assert "sign in" in refused.json()["detail"]
    assert api.ask("POST", "/v1/tokens", token, json={"label": "x", "tenants": [FOREIGN]}).status_code == 400
    nobodys = api.ask("POST", "/v1/tokens", token, json={"label": "x", "tenants": []})
    assert nobodys.status_code == 422, "a list without tenants is not a list of all"
    assert api.ask("DELETE", "/v1/tokens/current", token).status_code == 204
    for ended in (token, further):
        assert api.ask("GET", "/v1/me", ended).status_code == 401
    assert api.client.post("/v1/sign-in/device").json() == {"detail": "no OpenID provider is set up"}


def test_a_plan_goes_its_way_over_http(api: Api) -> None:
    base = f"/v1/tenants/{MINE}/plans"
    analyst, lead, approver = api.token("analyst"), api.token("lead"), api.token("approver")
    made = api.ask("POST", base, analyst, json={"playbook": PLAYBOOK, "resources": ["b1", "b2"]}).json()
    assert [step["target"]["name"] for step in made["plan"]["steps"]] == ["b1", "b2"]
    one, votes, hash_ = f"{base}/{made['plan']['id']}", f"{base}/{made['plan']['id']}/votes", made["hash"]
    assert api.ask("POST", f"{one}/runs", analyst).json()["detail"].endswith("is proposed")
    for person in (lead, approver):
        assert api.ask("GET", one, person).json()["hash"] == hash_
    assert api.ask("POST", votes, approver, json={"hash": hash_, "approve": True, "reason": "x"}).status_code == 400
    assert api.ask("POST", votes, approver, json={"hash": hash_, "approve": False}).status_code == 400
    assert api.ask("POST", votes, approver, json={"hash": hash_[:12], "approve": True}).status_code == 422
    reported = api.ask("POST", votes, lead, json={"hash": hash_, "approve": True})
    assert (reported.status_code, reported.json()["state"]) == (201, "approved")
    assert "is approved" in api.ask("POST", votes, lead, json={"hash": hash_, "approve": True}).json()["detail"]
    job = api.ask("POST", f"{one}/runs", analyst)
    assert (job.status_code, job.json()["kind"], job.json()["asked_by"]) == (202, "change", "p.analyst")
    described = api.client.get("/openapi.json").json()
    is_as_described(described, "POST", "/v1/tenants/{tenant}/plans/{plan}/votes", reported)
    is_as_described(described, "POST", "/v1/tenants/{tenant}/plans/{plan}/runs", job)
    assert job.json()["plan"] == made["plan"]["id"]
    with api.home.tenant(MINE).read() as reader:
        assert reader.plans.underway() == [], "it begins with the first call that is sent"
    (waiting,) = api.ask("GET", f"{one}/runs", approver).json()["items"]
    assert (waiting["id"], waiting["state"], waiting["holder"]) == (job.json()["id"], "queued", "")
    (row,) = api.ask("GET", base, approver).json()["items"]
    assert (row["resources"], row["standing"]["state"], row["states"]) == (2, "approved", {})


def test_whoever_makes_a_plan_does_not_approve_it_over_http_either(api: Api) -> None:
    lead = api.token("lead")
    made = api.ask("POST", f"/v1/tenants/{MINE}/plans", lead, json={"playbook": PLAYBOOK}).json()
    ballot = {"hash": made["hash"], "approve": True}
    refused = api.ask("POST", f"/v1/tenants/{MINE}/plans/{made['plan']['id']}/votes", lead, json=ballot)
    assert refused.json() == {"detail": "p.lead has made the plan; somebody else has to approve it"}


def test_a_plan_is_made_for_a_person_of_exactly_that_id_or_for_nobody(api: Api) -> None:
    analyst, lead, _ = api.token("analyst"), api.token("lead"), api.token("viewer")
    at = instant(api.clock.now())
    with api.home.service.write(at, "p") as session:
        session.people.put(Person("p.gone", "gone", "ja", ("lead",), (MINE,), at, disabled_at=at))
    base, wanted = f"/v1/tenants/{MINE}/plans", {"playbook": PLAYBOOK}
    strange = ("P.LEAD", "p.lead ", " p.lead", "p.le\u0430d", "p.lead\u200b", "nobody", " ", "operator@host", "p.gone")
    for text in strange:
        answer = api.ask("POST", base, analyst, json=wanted | {"requested_by": text})
        assert (answer.status_code, "nobody called" in answer.json()["detail"]) == (400, True), text
    assert api.ask("GET", base, analyst).json()["items"] == []
    made = api.ask("POST", base, analyst, json=wanted | {"requested_by": "p.lead"}).json()
    ballot = {"hash": made["hash"], "approve": True}
    refused = api.ask("POST", f"{base}/{made['plan']['id']}/votes", lead, json=ballot)
    assert "p.lead" in refused.json()["detail"]
    assert "was made for" in refused.json()["detail"]


def test_a_rejected_plan_is_denied_for_good(api: Api) -> None:
    plan = plan_for(api.home, api.clock, MINE)
    path = f"/v1/tenants/{MINE}/plans/{plan.id}"
    ballot = {"hash": plan.hash, "approve": False, "reason": "not in business hours"}
    reported = api.ask("POST", f"{path}/votes", api.token("approver"), json=ballot).json()
    assert (reported["state"], reported["reason"]) == ("denied", "p.approver rejected it: not in business hours")
    assert api.ask("POST", f"{path}/runs", api.token("lead")).status_code == 400


def test_an_edited_plan_is_shown_to_nobody(api: Api, address: str) -> None:
    plan = plan_for(api.home, api.clock, MINE)
    tamper(address, MINE, "UPDATE plan SET document = replace(document, 'b1', 'b9')")
    answer = api.ask("GET", f"/v1/tenants/{MINE}/plans/{plan.id}", api.token("lead"))
    assert (answer.status_code, "somebody has edited it" in answer.json()["detail"]) == (400, True)


def test_pages_of_plans_add_up_too(api: Api) -> None:
    made = []
    for _ in range(5):
        api.clock.sleep(1)
        made.append(plan_for(api.home, api.clock, MINE).id)
    base, token = f"/v1/tenants/{MINE}/plans", api.token("viewer")
    first = api.ask("GET", f"{base}?limit=3", token).json()
    second = api.ask("GET", f"{base}?limit=3&cursor={first['next']}", token).json()
    assert [row["id"] for row in first["items"] + second["items"]] == made[::-1]
    assert second["next"] == ""


@pytest.mark.parametrize(("language", "word"), [("ja", "承認待ち"), ("en", "proposed, not approved yet")])
def test_a_plan_is_a_page_for_people_that_loads_nothing(api: Api, language: str, word: str) -> None:
    plan = plan_for(api.home, api.clock, MINE)
    answer = api.ask("GET", f"/v1/tenants/{MINE}/plans/{plan.id}/page?language={language}", api.token("approver"))
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert word in answer.text
    assert plan.hash[:12] in answer.text


def test_every_page_and_the_contract_name_the_provider_of_their_day(api: Api) -> None:
    names = {"hinomi": Text(en="A&B <b>Co</b>", ja="火の見＆<b>共同</b>"), "group-co": Text(en="Group", ja="グループ")}
    given = Installation(providers={id_: ServiceProvider(name) for id_, name in names.items()}, provider="hinomi")
    api.app.state.service = replace(api.app.state.service, installation=given)
    every = [*api.app.routes, *plans.router.routes, *sign_in.router.routes]
    pages = {one.path for one in every if isinstance(one, APIRoute) and one.response_class is HTMLResponse}
    asked = [(pattern, path) for _, pattern, path in paths(api, MINE) if pattern in pages]
    assert {pattern for pattern, _ in asked} == pages == {"/v1/tenants/{tenant}/plans/{plan}/page"}
    later = (api.clock.now() + timedelta(days=2)).date().isoformat()
    at = instant(api.clock.now())
    on_record(api.home, MINE, SettingRecord("contract.provider", "group-co"), at, later)
    api.clock.sleep(7 * 24 * 3600)
    token = api.token("viewer")
    for _, path in asked:  # a plan that was made before keeps the provider of that day
        assert ">Provided by A&amp;B &lt;b&gt;Co&lt;/b&gt;<" in api.ask("GET", f"{path}?language=en", token).text
        assert ">サービス提供：火の見＆&lt;b&gt;共同&lt;/b&gt;<" in api.ask("GET", f"{path}?language=ja", token).text
    for query, name in ((f"?on={at[:10]}", names["hinomi"]), ("", names["group-co"])):
        shown = api.ask("GET", f"/v1/tenants/{MINE}/contract{query}", token).json()
        said = {"name": {"en": name.en, "ja": name.ja}, "registration_number": None}
        assert shown["provider"] == {"value": said, "clause": "1(1)"}


def test_logs_and_refusals_hold_no_secret(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    from pipeline.logs import logger, quiet, set_up

    secrets = ["hinomi_SECRETTOKEN", "SECRETPASSWORD-SECRETPASSWORD", "123987"]
    set_up()
    try:
        said = [
            api.ask("GET", f"/v1/tenants/{MINE}", secrets[0]).text,
            api.client.post("/v1/sign-in/local", json={"person": "a", "password": secrets[1], "code": secrets[2]}).text,
            api.client.post("/v1/sign-in/local", json={"person": "a", "password": [secrets[1]], "code": "1"}).text,
            api.client.get(f"/v1/tenants/{MINE}/assets?cursor={secrets[0]}").text,
        ]
        logger().info("somebody forgot", api_token=secrets[0], password=secrets[1])
        try:
            raise ValueError(secrets[0])
        except ValueError:
            logger().exception("a defect")
        log = capsys.readouterr().err
    finally:
        quiet()
    lines = [json.loads(line) for line in log.splitlines()]
    assert next(line["route"] for line in lines if line["event"] == "answered") == "/v1/tenants/{tenant}"
    for secret in secrets:
        assert secret not in "".join([*said, log])


def test_metrics_name_no_tenant(api: Api) -> None:
    api.ask("POST", f"/v1/tenants/{MINE}/scans", api.token("lead"))
    reported = api.client.get("/metrics").text
    assert 'hinomi_jobs{state="queued"} 1.0' in reported
    assert "hinomi_tenants 2.0" in reported
    assert 'route="/v1/tenants/{tenant}/scans",status="202"' in reported
    api.ask("GET", f"/v1/tenants/{MINE}/plans", api.token("lead"))
    reported = api.client.get("/metrics").text
    assert 'route="/v1/tenants/{tenant}/plans",status="200"' in reported
    assert MINE not in reported
    assert api.client.get("/healthz").json() == {"status": "ok"}


def test_rows_that_cannot_be_read_are_named_beside_the_others(api: Api, address: str) -> None:
    token = api.token("lead")
    before = api.ask("GET", f"/v1/tenants/{MINE}/findings", token).json()["items"]
    assert len(before) > 1
    tamper(address, MINE, f"UPDATE finding SET message = 'no JSON: marker' WHERE uid = '{before[0]['uid']}'")
    answer = api.ask("GET", f"/v1/tenants/{MINE}/findings?limit={len(before) - 1}", token).json()
    assert (answer["items"], answer["damaged"]) == (before[1:], [f"the row '{before[0]['uid']}' of the table finding"])
    one = api.ask("GET", f"/v1/tenants/{MINE}/findings/{before[0]['uid']}", token)
    assert (one.status_code, one.json()["detail"]) == (503, "the store cannot be used now")


def test_a_tenants_file_that_cannot_be_read_hides_no_other(api: Api, address: str) -> None:
    token = api.token("operator", "all")
    before = api.ask("GET", "/v1/tenants", token).json()["items"]
    assert len(before) > 1
    tamper(address, "", f"UPDATE edition SET document = '{{' WHERE tenant = '{before[0]['tenant']}'")
    answer = api.ask("GET", "/v1/tenants", token).json()
    assert answer["items"] == before[1:]
    assert [before[0]["tenant"] in said for said in answer["damaged"]] == [True]


def test_a_defect_is_reported_by_its_number_and_nothing_else(api: Api) -> None:
    token, api.clock.moment = api.token("lead"), None  # type: ignore[assignment]  # no time: the program is not made for it
    answer = api.ask("GET", f"/v1/tenants/{MINE}/findings", token)
    assert (answer.status_code, answer.json()) == (500, {"detail": "a defect of the program; the log has more"})
    assert len(answer.headers["x-request-id"]) == 16
    assert answer.headers["cache-control"] == "no-store"


def test_methods_of_all_names_are_one_line_of_the_metrics(api: Api) -> None:
    for number in range(3):
        assert api.client.request(f"ODD{number}", "/v1/me").status_code == 405
    reported = api.client.get("/metrics").text
    assert 'method="other",route="/v1/me",status="405"} 3.0' in reported
    assert "ODD" not in reported


def is_as_described(described: Any, method: str, pattern: str, answer: httpx.Response) -> None:
    said = described["paths"][pattern][method.lower()]["responses"][str(answer.status_code)]
    schema = said["content"]["application/json"]["schema"]
    jsonschema.validate(answer.json(), schema | {"components": described["components"]})


def test_openapi_describes_what_is_answered(api: Api) -> None:
    described = api.client.get("/openapi.json").json()
    assert "$defs" not in json.dumps(described)
    for reference in re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', json.dumps(described)):
        assert reference in described["components"]["schemas"], reference
    every, lead, operator = paths(api, MINE), api.token("lead"), api.token("operator")
    for method, pattern, path in every:
        manages = NEEDS[method, pattern] == "people.manage"
        answer = send(api, method, pattern, path, operator if manages else lead)
        if answer.status_code != 400 and "json" in answer.headers.get("content-type", ""):
            is_as_described(described, method, pattern, answer)
        assert described["paths"][pattern][method.lower()]["security"] == [{"bearer": []}]


def test_a_store_that_is_away_is_reported_without_its_place(api: Api, address: str) -> None:
    token = api.token("lead")
    tamper(address, MINE, "UPDATE alembic_version SET version_num = '9999'")
    answer = api.ask("GET", f"/v1/tenants/{MINE}/runs", token)
    assert (answer.status_code, answer.json()) == (503, {"detail": "the store cannot be used now"})
