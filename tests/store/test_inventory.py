"""One inventory for all clouds: by kind, scope, region, tag and text, as of any day."""

import pytest

from model.asset import Asset, tags_of
from model.canonical import digest
from store.home import Home
from store.rows import Selection

FIRST, SECOND = "2026-06-01T00:00:00.000000Z", "2026-06-03T00:00:00.000000Z"


def asset(kind: str, name: str, scope: str, region: str, **body: object) -> Asset:
    return Asset(kind, f"/{scope}/{name}", name, scope, region, body, digest(body))


ASSETS = [
    asset("aws.s3.bucket", "ledger", "123456789012", "ap-northeast-1", Tags=[{"Key": "team", "Value": "web"}]),
    asset("azure.storage.account", "Orders_100%", "sub", "japaneast", tags={"team": "web"}),
    asset("gcp.storage.bucket", "images", "aozora-shop", "asia-northeast1", labels={"team": "shop"}),
    asset("gcp.raw", "thing", "aozora-shop", "global"),
]


@pytest.fixture
def filled(home: Home) -> Home:
    home.apply("aozora", {"tenant": "aozora"}, FIRST, "p")
    with home.tenant("aozora").write(FIRST, "p", home.take("scan", "")) as writer:
        writer.put_assets(ASSETS, FIRST)
        writer.tag_asset(ASSETS[3].uid, "team=web", there=True)
    changed = asset("gcp.storage.bucket", "images", "aozora-shop", "asia-northeast1", labels={"team": "web"})
    with home.tenant("aozora").write(SECOND, "p", home.take("scan", "")) as writer:
        writer.put_assets([changed], SECOND)
    return home


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (Selection({}), {"ledger", "Orders_100%", "images", "thing"}),
        (Selection({"kind": "azure.storage.account"}), {"Orders_100%"}),
        (Selection({"scope": "aozora-shop"}), {"images", "thing"}),
        (Selection({"region": "global"}), {"thing"}),
        (Selection({}, text="ORDERS"), {"Orders_100%"}),
        (Selection({}, text="/sub/"), {"Orders_100%"}),
        (Selection({}, text="%"), {"Orders_100%"}),
        (Selection({}, text="_"), {"Orders_100%"}),
        (Selection({}, tag="team=web"), {"ledger", "Orders_100%", "images", "thing"}),
        (Selection({}, tag="team=shop"), set()),
        (Selection({}, tag="team=shop", at="2026-06-02T00:00:00.000000Z"), {"images"}),
        (Selection({"kind": "gcp.storage.bucket"}, tag="team=web", at="2026-06-02T00:00:00.000000Z"), set()),
        (Selection({}, at="2026-05-31T00:00:00.000000Z"), set()),
    ],
)
def test_resources_of_all_clouds_are_found_alike(filled: Home, wanted: Selection, names: set[str]) -> None:
    with filled.tenant("aozora").read() as reader:
        assert {row.name for row in reader.assets(wanted)} == names


def test_one_is_shown_as_it_was(filled: Home) -> None:
    with filled.tenant("aozora").read() as reader:
        [uid] = reader.uids_of("images")
        then, now = reader.asset(uid, "2026-06-02T00:00:00.000000Z"), reader.asset(uid)
        assert reader.asset(uid, "2026-05-31T00:00:00.000000Z") is None
    assert then is not None
    assert now is not None
    assert (then.body, now.body) == ({"labels": {"team": "shop"}}, {"labels": {"team": "web"}})


def test_odd_tags_are_none() -> None:
    assert tags_of({"Tags": [7, {"Value": "x"}], "tags": "team=web", "labels": None}) == frozenset()
