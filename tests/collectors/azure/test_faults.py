"""Everything that Azure can do wrong, by a real TLS server to the real SDK: each ends in a named unknown.

The look comes to its end, and nothing changes that the fault does not touch.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from clouds.azure.clients import Login, clients
from clouds.azure.read import AzureClient
from collectors.azure import resource_types
from collectors.azure.collector import AzureCollector
from model.asset import Asset, Listing
from model.fault import Refused
from pipeline.providers.azure.opening import hidden_kinds
from tests.conftest import MovingClock
from tests.servers import azure_company as azure
from tests.servers.azure_company import (
    DIRECTORY,
    QUERY,
    RESOURCES,
    SUBSCRIPTION,
    Act,
    BreakingStandIn,
    Fault,
)

from clouds.azure import login as azure_login  # isort: skip

pytestmark = pytest.mark.process

TYPES = [t for t in resource_types.load() if not t.of_directory]
CONTACTS = "GET " + f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Security/securityContacts"
BLOBS = "shop1/blobServices/default?"
KEYS = "vaults/keys/keys?"
Seen = tuple[dict[str, Asset], dict[str, str]]


@pytest.fixture(scope="module")
def server() -> Iterator[BreakingStandIn]:
    with azure.breaking() as stand_in:
        yield stand_in


@pytest.fixture
def stand_in(server: BreakingStandIn) -> Iterator[BreakingStandIn]:
    server.faults = []
    server.calls.clear()
    yield server
    server.faults = []


def look(clock: MovingClock, *, whole: bool = True) -> Seen:
    """Look once at the subscription as a scan does; return the assets by name and the causes by kind."""
    client = AzureClient(clients(Login()), clock)
    place = azure_login.locate(client, SUBSCRIPTION)
    collector = AzureCollector(client, place, TYPES, DIRECTORY, hidden_kinds(client, SUBSCRIPTION, TYPES), whole)
    assets: dict[str, Asset] = {}
    causes: dict[str, str] = {}
    for event in collector.collect():
        if isinstance(event, Asset):
            assets[event.name] = event
        else:
            assert isinstance(event, Listing)
            causes[event.kind] = causes.get(event.kind, "") or event.cause
    return assets, causes


@pytest.fixture(scope="module")
def undisturbed(server: BreakingStandIn) -> Seen:
    server.faults = []
    return look(MovingClock())


def test_everything_is_seen(undisturbed: Seen) -> None:
    assets, causes = undisturbed
    assert sorted(assets) == ["Shop", "default", "keys", "more", *(f"shop{n}" for n in range(5)), "thing"]
    assert not any(causes.values())
    assert {type_.kind.name for type_ in TYPES} | {"azure.raw"} == set(causes)
    [key] = assets["keys"].body["Keys"]
    assert (key["name"], key["attributes"]) == ("first", {"enabled": True})
    assert assets["more"].body["Keys"] == []
    assert assets["keys"].body["sku"] == {"name": "standard"}
    assert assets["keys"].region == "japanwest"
    assert "managedBy" not in assets["shop0"].body
    assert assets["thing"].kind == "azure.raw"
    assert assets["thing"].body["apiPassword"] == {"looks_like": "named"}
    assert all(asset.unknown == {} for asset in assets.values())


# What befalls, and what stands for it as the cause.
FAULTS: dict[str, tuple[Act, str]] = {
    "throttled": (azure.error(429, "TooManyRequests"), "TooManyRequests"),
    "throttled for long": (azure.error(429, "TooManyRequests", retry_after="3600"), "TooManyRequests"),
    "internal": (azure.error(500, "InternalServerError"), "InternalServerError"),
    "unavailable": (azure.error(503, "ServiceUnavailable", retry_after="1"), "ServiceUnavailable"),
    "unavailable, says a proxy": (azure.answer(503, b"<html>Back soon</html>"), "HTTP 503"),
    "forbidden": (azure.error(403, "AuthorizationFailed"), "AuthorizationFailed"),
    "expired": (azure.error(401, "ExpiredAuthenticationToken"), "ExpiredAuthenticationToken"),
    "reset": (azure.reset, "ServiceResponseError"),
    "reset in the body": (azure.reset_in_the_body, "Incomplete|ServiceResponseError|HttpResponseError"),
    "cut off": (azure.cut_off, "BrokenReply|DecodeError"),
    "empty": (azure.answer(200, b""), "BrokenReply|DecodeError|DeserializationError"),
    "a web page": (azure.answer(200, b"<html><body>Maintenance</body></html>"), "BrokenReply|DecodeError"),
    "a list": (azure.answer(200, b"[]"), "BrokenReply|Error"),
    "a number": (azure.answer(200, b"7"), "BrokenReply|Error"),
}
TARGETS = {
    "query": (RESOURCES, {t.kind.name for t in TYPES if t.form.table == "resources"} | {"azure.raw"}),
    "list": (CONTACTS, {"azure.security.contact"}),
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("spared", [0, 1], ids=["at once", "in mid-way"])
def test_a_listing_that_fails_says_so_and_the_look_ends(
    stand_in: BreakingStandIn, undisturbed: Seen, clock: MovingClock, target: str, fault: str, spared: int
) -> None:
    """The resources table has five pages of two; of the list, the second page is one that the fault makes up."""
    needle, kinds = TARGETS[target]
    act, cause = FAULTS[fault]
    if target == "list" and spared:
        stand_in.faults.append(Fault(needle, azure.changed(nextLink="https://elsewhere.example" + needle[4:]), times=1))
    stand_in.faults.append(Fault(needle, act, spared=0 if target == "list" else spared))
    assets, causes = look(clock)
    failed = {kind: why for kind, why in causes.items() if why}
    assert set(failed) == kinds
    assert all(any(word in why for word in cause.split("|")) for why in failed.values()), failed
    assert all(asset.unknown == {} for asset in assets.values())
    if target == "list":
        assert assets.keys() | {"default"} == undisturbed[0].keys()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_detail_that_fails_is_unknown_and_touches_nothing_else(
    stand_in: BreakingStandIn, undisturbed: Seen, clock: MovingClock, fault: str
) -> None:
    act, cause = FAULTS[fault]
    stand_in.faults.append(Fault(BLOBS, act))
    assets, causes = look(clock)
    assert not any(causes.values())
    unknown = assets["shop1"].unknown
    assert list(unknown) == ["BlobService"]
    assert unknown["BlobService"].startswith("Microsoft.Storage/storageAccounts/blobServices/read ")
    assert any(word in unknown["BlobService"] for word in cause.split("|"))
    before = dict(undisturbed[0])
    assert assets["shop1"].body == {k: v for k, v in before["shop1"].body.items() if k != "BlobService"}
    assert {n: a for n, a in assets.items() if n != "shop1"} == {n: a for n, a in before.items() if n != "shop1"}


@pytest.mark.parametrize(
    ("needle", "act"),
    [
        (RESOURCES, azure.error(429, "RateLimiting", retry_after="7")),
        (RESOURCES, azure.error(500, "InternalServerError")),
        (RESOURCES, azure.reset),
        (RESOURCES, azure.cut_off),
        (RESOURCES, azure.error(401, "ExpiredAuthenticationToken")),
        (BLOBS, azure.error(429, "TooManyRequests", retry_after="7")),
        (BLOBS, azure.reset_in_the_body),
        (CONTACTS, azure.answer(200, b"")),
    ],
)
def test_what_fails_once_is_asked_again_and_nothing_is_lost(
    stand_in: BreakingStandIn, undisturbed: Seen, clock: MovingClock, needle: str, act: Act
) -> None:
    stand_in.faults.append(Fault(needle, act, times=1))
    assert look(clock) == undisturbed


def test_the_service_says_how_long_to_wait(stand_in: BreakingStandIn, undisturbed: Seen, clock: MovingClock) -> None:
    stand_in.faults.append(Fault(BLOBS, azure.error(429, "TooManyRequests", retry_after="7"), times=1))
    look(clock)
    assert 7 in clock.slept


def test_the_quota_of_queries_is_waited_for(stand_in: BreakingStandIn, clock: MovingClock) -> None:
    reported = azure.reported(x_ms_user_quota_remaining="0", x_ms_user_quota_resets_after="00:00:03")
    stand_in.faults.append(Fault(RESOURCES, reported, times=1))
    assert not any(look(clock)[1].values())
    assert any(2.5 < pause <= 3 for pause in clock.slept)


# What contradicts itself in a query's page, or does not lead on.
CONTRADICTIONS: dict[str, tuple[Act, str]] = {
    "the same token again": (azure.changed(**{"$skipToken": "2"}), "PaginationError"),
    "subscriptions left out": (azure.reported(x_ms_tenant_subscription_limit_hit="true"), "SubscriptionLimitHit"),
    "truncated": (azure.changed(resultTruncated="true", **{"$skipToken": None}), "TruncatedListing"),
    "fewer than there are": (azure.changed(**{"$skipToken": None}), "TruncatedListing"),
    "fewer than it counts": (azure.changed(count=3), "BrokenReply"),
    "no count": (azure.changed(count=None), "BrokenReply"),
    "no total": (azure.changed(totalRecords=None), "BrokenReply"),
    "fewer in all than on the page": (azure.changed(totalRecords=1), "BrokenReply"),
    "half of the rows and no total": (azure.changed(totalRecords=None, **{"$skipToken": None}), "BrokenReply"),
    "no word on what was left out": (azure.changed(resultTruncated=None), "BrokenReply"),
    "no rows": (azure.changed(data=None), "BrokenReply"),
}


@pytest.mark.parametrize("fault", CONTRADICTIONS)
def test_a_query_that_contradicts_itself_is_not_whole(
    stand_in: BreakingStandIn, clock: MovingClock, fault: str
) -> None:
    act, cause = CONTRADICTIONS[fault]
    stand_in.faults.append(Fault(RESOURCES, act))
    _, causes = look(clock)
    assert cause in causes["azure.storage.account"]
    assert cause in causes["azure.raw"]


@pytest.mark.parametrize("odd", [None, 7, "x", [], {"name": "x"}], ids=repr)
def test_an_odd_row_makes_the_table_not_whole_and_hides_nothing_else(
    stand_in: BreakingStandIn, undisturbed: Seen, clock: MovingClock, odd: Any
) -> None:
    page = azure.changed(data=[odd, odd], count=2)
    stand_in.faults.append(Fault(RESOURCES, page, spared=1, times=1))
    assets, causes = look(clock)
    assert {causes[kind] for kind in TARGETS["query"][1]} == {"malformed"}
    assert len(undisturbed[0]) - len(assets) == 2
    assert not any(why for kind, why in causes.items() if kind not in TARGETS["query"][1])


def test_tokens_that_come_round_again_end(stand_in: BreakingStandIn, clock: MovingClock) -> None:
    """A → B → A: each differs from the one before."""
    stand_in.faults.append(Fault(RESOURCES, azure.changed(**{"$skipToken": "0"}), spared=2, times=1))
    _, causes = look(clock)
    assert "PaginationError" in causes["azure.storage.account"]


def test_links_that_come_round_again_end(stand_in: BreakingStandIn, clock: MovingClock) -> None:
    here = CONTACTS.removeprefix("GET ") + "?api-version=2023-12-01-preview"
    stand_in.faults.append(Fault(CONTACTS, azure.changed(nextLink=here)))
    _, causes = look(clock)
    assert causes["azure.security.contact"] == "Microsoft.Security/securityContacts/read PaginationError"


def test_a_link_to_another_host_gets_no_token(stand_in: BreakingStandIn, clock: MovingClock) -> None:
    """Only its path is followed, at our own address: the token opens the subscription."""
    elsewhere = "https://elsewhere.example" + CONTACTS.removeprefix("GET ") + "?page=2"
    stand_in.faults.append(Fault(CONTACTS, azure.changed(nextLink=elsewhere), times=1))
    _, causes = look(clock)
    assert causes["azure.security.contact"] == ""
    assert stand_in.calls[CONTACTS] == 2


NO_SWITCH = "malformed: text where true or false was expected"
MALFORMED: list[tuple[dict[str, Any], str, dict[str, str]]] = [
    ({"properties": []}, "", {"supportsHttpsTrafficOnly": "malformed: properties are no mapping"}),
    ({"properties": "x"}, "", {"supportsHttpsTrafficOnly": "malformed: properties are no mapping"}),
    ({"properties": {"isSftpEnabled": "yes"}}, "", {"isSftpEnabled": NO_SWITCH}),
    ({"properties": None}, "", {"supportsHttpsTrafficOnly": "not in this reply"}),
    ({"tags": 7}, "", {"tags": "malformed: a number where a mapping was expected"}),
    ({"id": None}, "malformed", {}),
    ({"id": 7}, "malformed", {}),
]  # fmt: skip


@pytest.mark.parametrize(("parts", "cause", "unknown"), MALFORMED)
def test_a_malformed_resource_is_unknown_with_its_cause(
    server: BreakingStandIn, clock: MovingClock, parts: dict[str, Any], cause: str, unknown: dict[str, str]
) -> None:
    rows = server.company.subscriptions[0].tables["resources"]
    whole = rows[0]
    rows[0] = whole | parts
    server.faults = []
    if "id" in parts:  # the stand-in itself goes by ids
        rows[0] = whole
        page = [row | parts if row["name"] == "shop0" else row for row in rows if "account" in row["type"]][:2]
        server.faults.append(Fault(RESOURCES, azure.changed(data=page, count=2), spared=1, times=1))
    try:
        assets, causes = look(clock)
    finally:
        rows[0] = whole
    assert causes["azure.storage.account"] == cause
    if unknown:
        assert unknown.items() <= assets["shop0"].unknown.items()
        assert not set(unknown) & set(assets["shop0"].body)
        assert assets["shop1"].unknown == {}


def test_what_our_role_may_not_read_is_not_taken_for_absent(server: BreakingStandIn, clock: MovingClock) -> None:
    """Resource Graph leaves it out without a word."""
    own = server.company.subscriptions[0]
    allowed, rows = own.permissions, own.tables["resources"]
    own.permissions = [{"actions": ["*/read"], "notActions": ["Microsoft.KeyVault/*"]}]
    own.tables["resources"] = [row for row in rows if "vault" not in row["type"]]
    try:
        assets, causes = look(clock)
    finally:
        own.permissions, own.tables["resources"] = allowed, rows
    assert "keys" not in assets
    assert {kind: why for kind, why in causes.items() if why} == {
        "azure.keyvault.vault": "Microsoft.KeyVault/vaults/read not permitted"
    }


def test_credentials_that_do_not_hold_are_refused_in_one_line(
    stand_in: BreakingStandIn, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "wrong")
    with pytest.raises(Refused, match="Entra ID accepts no credentials"):
        azure_login.locate(AzureClient(clients(Login()), clock), SUBSCRIPTION)


def test_a_subscription_that_is_not_ours_is_refused(stand_in: BreakingStandIn, clock: MovingClock) -> None:
    stand_in.faults.append(Fault("subscriptions/0000", azure.error(404, "SubscriptionNotFound")))
    with pytest.raises(Refused, match="cannot be entered"):
        azure_login.locate(AzureClient(clients(Login()), clock), SUBSCRIPTION.replace("1111", "0000"))


def test_nothing_is_ever_written(stand_in: BreakingStandIn, clock: MovingClock) -> None:
    look(clock)
    assert {call.split(" ")[0] for call in stand_in.calls} == {"GET", "POST"}
    posted = {call for call in stand_in.calls if call.startswith("POST")}
    assert posted == {QUERY, f"POST /{DIRECTORY}/oauth2/v2.0/token"}


def test_members_of_a_management_group(stand_in: BreakingStandIn, clock: MovingClock) -> None:
    client = AzureClient(clients(Login()), clock)
    assert azure_login.members(client, "all") == {SUBSCRIPTION: "Enabled", azure.OTHER: "Enabled"}
    stand_in.faults.append(Fault(QUERY, azure.reported(x_ms_tenant_subscription_limit_hit="true")))
    with pytest.raises(Refused, match="SubscriptionLimitHit"):
        azure_login.members(client, "all")


def test_only_what_is_asked_for_is_read(stand_in: BreakingStandIn, clock: MovingClock) -> None:
    client = AzureClient(clients(Login()), clock)
    [storage] = [t for t in TYPES if t.kind.name == "azure.storage.account"]
    few = [storage.narrowed(["supportsHttpsTrafficOnly"])]
    collector = AzureCollector(client, azure_login.locate(client, SUBSCRIPTION), few, DIRECTORY, {}, whole=False)
    assert [e.name for e in collector.collect() if isinstance(e, Asset)] == [f"shop{n}" for n in range(5)]
    assert not [call for call in stand_in.calls if "blobServices" in call]


def test_a_location_is_looked_at_alone(stand_in: BreakingStandIn, clock: MovingClock) -> None:
    client = AzureClient(clients(Login()), clock)
    place = azure_login.locate(client, SUBSCRIPTION, ["japanwest"])
    collector = replace(AzureCollector(client, place, TYPES, DIRECTORY), whole=False)
    named = {e.name for e in collector.collect() if isinstance(e, Asset) and place.covers(e.region)}
    assert named == {"keys", "more", "Shop", "default"}
