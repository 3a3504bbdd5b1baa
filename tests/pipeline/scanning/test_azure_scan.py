"""A tenant with Azure subscriptions through the whole loop: recorded, ended, unverified, kept raw."""

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from demo.stand_ins.azure import running
from model.fault import Refused
from model.tenant import AzureDirectory, Tenant
from pipeline.assembly import Catalog
from pipeline.providers.provider import opening_of
from pipeline.providers.registry import PROVIDERS
from pipeline.scanning.scan import Summary
from pipeline.tenants.scopes import named
from store.home import Home
from store.rows import Selection
from tests.conftest import MovingClock
from tests.contracts import known
from tests.recorded_clouds import TENANT, catalog
from tests.servers import azure_company as azure
from tests.servers.azure_company import (
    DIRECTORY,
    OTHER,
    RESOURCES,
    SUBSCRIPTION,
    BreakingHandler,
    BreakingStandIn,
    Fault,
)
from tests.worlds import scanned_in, world_of

pytestmark = pytest.mark.process

AT = "2026-06-01T00:00:00.000000Z"


@pytest.fixture
def stand_in() -> Iterator[BreakingStandIn]:
    made = BreakingStandIn(azure.company(accounts=2))
    made.company.subscriptions[0].tables["resources"][0]["properties"]["supportsHttpsTrafficOnly"] = False
    with running(made, BreakingHandler) as environment, pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield made


@pytest.fixture
def tenant(home: Home) -> Tenant:
    made = replace(TENANT, scopes=[], azure=[AzureDirectory(directory=DIRECTORY, management_groups=["all"])])
    known(home, made.tenant, AT)
    return made


def look(home: Home, tenant: Tenant, clock: MovingClock, known: Catalog | None = None) -> Summary:
    clock.sleep(60)
    return scanned_in(world_of(home, clock), tenant, known or catalog())


def open_findings(home: Home) -> dict[str, str]:
    with home.tenant("aozora").read() as reader:
        plain_http = [f for f in reader.findings() if f.policy == "azure.storage.insecure-transfer-allowed"]
    return {f.name: f.unverified_because for f in plain_http}


def test_subscriptions_of_a_management_group_are_scanned_and_everything_is_kept(
    stand_in: BreakingStandIn, home: Home, tenant: Tenant, clock: MovingClock
) -> None:
    first = look(home, tenant, clock)
    assert first.gaps == []
    assert first.raw == {"microsoft.strange/things": 1}
    assert open_findings(home) == {"shop0": ""}
    with home.tenant("aozora").read() as reader:
        rows = reader.assets(Selection({}, limit=1000))
        raw = reader.assets(Selection({"kind": "azure.raw"}))
        assert {row.scope for row in rows} == {SUBSCRIPTION, OTHER}
        assert [row.name for row in raw] == ["thing"]
        body = reader.asset(raw[0].uid)
    assert body is not None
    assert body.body == {
        "id": f"{azure.GROUP}/Microsoft.Strange/things/thing",
        "name": "thing",
        "type": "microsoft.strange/things",
        "location": "global",
        "colour": "blue",
        "apiPassword": {"looks_like": "named"},
    }
    again = look(home, tenant, clock)
    assert (again.new_rows, again.facts) == (0, {})


def test_what_is_gone_ends_and_what_was_not_listed_does_not(
    stand_in: BreakingStandIn, home: Home, tenant: Tenant, clock: MovingClock
) -> None:
    look(home, tenant, clock)
    rows = stand_in.company.subscriptions[0].tables["resources"]
    shop0, rows[:] = rows[0], rows[1:]
    stand_in.faults.append(Fault(RESOURCES, azure.error(500, "InternalServerError"), spared=1))
    unlisted = look(home, tenant, clock)
    assert unlisted.facts == {}
    assert "InternalServerError" in open_findings(home)["shop0"]
    stand_in.faults.clear()
    whole = look(home, tenant, clock)
    assert whole.facts["resolved"] >= 1
    assert open_findings(home) == {}
    rows.insert(0, shop0)
    assert look(home, tenant, clock).facts["reopened"] >= 1


def test_a_management_group_that_cannot_be_listed_ends_nothing(
    stand_in: BreakingStandIn, home: Home, tenant: Tenant, clock: MovingClock
) -> None:
    look(home, tenant, clock)
    stand_in.faults.append(Fault("managementGroups", azure.error(403, "AuthorizationFailed")))
    summary = look(home, tenant, clock)
    assert summary.facts == {}
    assert [(gap.scope, "AuthorizationFailed" in gap.cause) for gap in summary.gaps] == [("managementGroups/all", True)]
    assert "cannot be listed" in open_findings(home)["shop0"]


def test_a_subscription_that_is_disabled_stays_watched_unverified(
    stand_in: BreakingStandIn, home: Home, tenant: Tenant, clock: MovingClock
) -> None:
    look(home, tenant, clock)
    stand_in.company.subscriptions[0].state = "Disabled"
    summary = look(home, tenant, clock)
    assert summary.facts == {}
    assert [gap.cause for gap in summary.gaps] == ["the subscription is Disabled in its management group"]
    assert open_findings(home) == {"shop0": "the subscription is Disabled in its management group"}


def test_a_secret_that_is_not_set_is_named_by_its_reference_only(
    stand_in: BreakingStandIn, home: Home, tenant: Tenant, clock: MovingClock
) -> None:
    entered = AzureDirectory(
        directory=DIRECTORY, client=azure.OTHER, secret="env:NOT_SET_ANYWHERE", subscriptions=[SUBSCRIPTION]
    )
    [gap] = look(home, replace(tenant, azure=[entered]), clock).gaps
    assert gap.cause == "the secret env:NOT_SET_ANYWHERE is not set"
    scope = named(replace(tenant, azure=[entered])).found[0]
    with pytest.raises(Refused, match="env:NOT_SET"):
        opening_of(scope, PROVIDERS).connect(scope, [], clock)
