"""Whatever a listing receives comes out again, or is named: tried with odd rows in the listing of every type."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from clouds.aws import organization
from clouds.azure import login as azure_login
from clouds.call_failed import CallFailed
from clouds.gcp.listing import Ask
from clouds.gcp.login import projects_under
from collectors.aws import engine
from collectors.aws import resource_types as aws_types
from collectors.aws.paths import Misplaced, listed, looked_up
from collectors.azure import recordings as azure_recordings
from collectors.azure import resource_types as azure_types
from collectors.azure.collector import AzureCollector
from collectors.counting import Count, Excluded, Odd
from collectors.gcp import resource_types as gcp_types
from collectors.gcp.collector import GcpCollector
from collectors.gcp.recordings import Recordings
from collectors.kubernetes import resource_types as kubernetes_types
from collectors.kubernetes.collector import KubernetesCollector
from collectors.templates import references
from model.asset import Asset, Listing, Place
from model.fault import Refused

Events = Iterable[Asset | Listing]
SCALARS: list[Any] = [None, 7, "x", [], True]
NO_TEXTS: list[Any] = [None, 7, "", [], {}]


def looked(events: Events, kind: str) -> tuple[int, str]:
    """Return how many assets of a kind were shown, and why its listing was not whole."""
    seen = [event for event in events if event.kind == kind]
    causes = [event.cause for event in seen if isinstance(event, Listing)]
    assert causes
    return len(seen) - len(causes), next(filter(None, causes), "")


def check(look: Callable[[list[Any]], Events], kind: str, sound: Any, odd: Iterable[Any]) -> None:
    """Look at a sound row alone, and beside each odd one: it is shown, and the odd one is named."""
    assert looked(look([sound]), kind) == (1, "")
    for row in odd:
        for rows in ([row, sound], [sound, row]):
            shown, cause = looked(look(rows), kind)
            assert (shown, bool(cause)) == (1, True), row


def test_each_row_becomes_something() -> None:
    def make(row: int) -> int:
        if row == 1:
            raise Excluded("one")
        if row == 2:
            raise Odd("two", "is two")
        return 10 // row

    count = Count()
    assert list(count.of([0, 1, 2, 5, 10], make)) == [2, 1]
    assert count.adds_up
    assert (count.received, count.made, dict(count.left_out)) == (5, 2, {"one": 1})
    assert (count.cause("two"), count.cause("other")) == ("is two", "malformed (ZeroDivisionError)")
    assert count.completed(Listing("s", "two", "r", "its own")).cause == "its own"
    assert Count().completed(Listing("s", "two", "r")).cause == ""
    lost = Count()
    lost.received = 1
    assert lost.completed(Listing("s", "two", "r")).cause == "rows are unaccounted for"


class Answering:
    """A client of each cloud that answers every question so."""

    def __init__(self, rows: list[Any]) -> None:
        self._rows = rows

    def call(self, *_: Any) -> Any:
        return {"Accounts": self._rows, "Regions": self._rows}

    def pages(self, *_: Any) -> Iterator[list[Any]]:
        yield self._rows

    query = pages


PROJECT_ROW = {"name": "//x", "assetType": "cloudresourcemanager.googleapis.com/Project"}


@pytest.mark.parametrize(
    ("listing", "odd"),
    [
        (lambda client: organization.accounts(client, "aws"), [None, 7, "x", {}, {"Id": ""}, {"Id": None}]),
        (azure_login.subscriptions, [None, 7, "x", {}, {"subscriptionId": ""}, {"subscriptionId": None}]),
        (lambda client: azure_login.members(client, "all"), [None, 7, "x", {}, {"subscriptionId": 7}]),
        (
            lambda client: projects_under(client, "folders/1"),
            [PROJECT_ROW, PROJECT_ROW | {"resource": {"data": {"projectId": ""}}}, PROJECT_ROW | {"assetType": ""}],
        ),
    ],
    ids=["accounts", "subscriptions", "members", "projects"],
)
def test_a_place_that_cannot_be_read_is_not_one_fewer(listing: Callable[[Any], Any], odd: list[Any]) -> None:
    for row in odd:
        with pytest.raises(Refused):
            listing(Answering([row]))


@pytest.mark.parametrize(
    ("path", "reply", "rows"),
    [
        ("A", {}, []),
        ("A", {"A": [1, None]}, [1, None]),
        ("A", {"A": None}, [Misplaced(None)]),
        ("A", {"A": "text"}, [Misplaced("text")]),
        ("A[].B[]", {"A": [{"B": [1, None]}, None, {}, {"B": [2]}]}, [1, None, *[Misplaced(None)] * 2, 2]),
        ("A.B", {"A": {"Quantity": 0}}, []),
        ("A.B", {"A": {"Quantity": 1}}, [Misplaced(None)]),
        ("A.B", {"A": {}}, [Misplaced(None)]),
        ("A.B", {"A": 7}, [Misplaced(7)]),
    ],
)
def test_rows_are_found_where_they_lie_and_nothing_is_passed_over(path: str, reply: Any, rows: list[Any]) -> None:
    assert list(listed(path, reply)) == rows


@pytest.mark.parametrize(
    ("path", "reply", "value"),
    [
        ("A.B", {"A": {"B": 1}}, 1),
        ("A.B", {"A": None}, None),
        ("A[].B", {}, None),
        ("A[].B", {"A": []}, []),
        ("A[].B", {"A": [{"B": 1}, None, {"B": None}, {}, 7]}, [1, None, None]),
        ("A[].B.C[]", {"A": [{"B": {"C": [1, None]}}, {"B": {}}, {}]}, [1, None]),
    ],
)
def test_what_lies_at_a_path_keeps_the_elements_that_are_null(path: str, reply: Any, value: Any) -> None:
    assert looked_up(path, reply) == value


def nested(path: str, inner: Any) -> Any:
    """Return a reply in which something lies at a path."""
    for step in reversed(path.split(".")):
        name = step.removesuffix("[]")
        inner = {name: [inner] if step.endswith("[]") else inner}
    return inner


class Aws:
    """An account of which one type is listed so; all details but those that ids are made of are denied."""

    def __init__(self, type_: aws_types.ResourceType, rows: list[Any], parents: list[Any]) -> None:
        self._form, self._rows, self._parents = type_.form, rows, parents

    def pages(self, _service: str, _region: str, op: str, _args: Any) -> Iterator[Any]:
        form = self._form.listing
        assert form
        if form.within and op == form.within.op:
            yield nested(form.within.rows, self._parents)
        elif form.csv:
            text = [",".join(form.csv), *(",".join(row.get(name, "") for name in form.csv) for row in self._rows)]
            yield nested(form.rows, "\n".join(text).encode())
        else:
            yield nested(form.rows.removesuffix("[]"), self._rows)

    def call(self, _service: str, _region: str, op: str, args: Any) -> Any:
        form = self._form.listing
        assert form
        if form.describe and op == form.describe.op:
            described = [sound_of(self._form)] if "x" in args[form.describe.ids] else []
            return nested(form.describe.rows.removesuffix("[]"), described)
        if form.prepare and op == form.prepare.op:
            return {form.prepare.field: form.prepare.until}
        for name, detail in self._form.details.items():
            if detail.op == op and name in references([self._form.arn, self._form.name]):
                return nested(detail.get or "", Names())
        raise CallFailed("AccessDenied")

    def piece(self, url: str, start: int, length: int) -> tuple[bytes, int]:
        raise NotImplementedError

    def pause(self, seconds: float) -> None: ...

    def forget(self, region: str) -> None: ...


class Names(dict[str, Any]):
    """A detail of which every field is a text."""

    def __init__(self) -> None:
        super().__init__(ARN="arn", QueueArn="arn", Name="x")


def sound_of(form: aws_types.TypeForm) -> dict[str, Any]:
    """Return a row with all that ids are made of."""
    names = references([form.arn, form.name]) - aws_types.PLACE_NAMES - form.details.keys()
    if form.home:
        return dict.fromkeys(names, "arn:aws:x:eu-west-1:1:x") | {form.home: "eu-west-1"}
    return dict.fromkeys(names, "x")


AWS = [type_ for type_ in aws_types.load() if type_.form.listing]
ACCOUNT = Place("1", "1", "arn:aws:iam::1:root", "aws", ("eu-west-1",))


@pytest.mark.parametrize("type_", AWS, ids=lambda type_: type_.name)
def test_odd_rows_of_aws(type_: aws_types.ResourceType) -> None:
    form = type_.form.listing
    assert form

    def look(rows: list[Any], parents: list[Any] = ["parent"]) -> Events:  # noqa: B006 - read only
        return engine.collect(Aws(type_, rows, parents), [type_], ACCOUNT)

    sound = sound_of(type_.form)
    needed = references(type_.form.arn) & sound.keys()
    without = [{key: value for key, value in sound.items() if key not in needed}]
    misfits = [sound | dict.fromkeys(needed, value) for value in NO_TEXTS]
    if form.csv:
        check(look, type_.name, sound, [sound | dict.fromkeys(needed, "")])
    elif form.describe:
        listed_row = "x" if form.as_ else {form.describe.of: "x"}
        odd: list[Any] = [None, 7, "", [], "another" if form.as_ else {form.describe.of: "another"}]
        check(look, type_.name, listed_row, odd if form.as_ else [*odd, {}, "x"])
    elif form.as_:
        check(look, type_.name, "x", [None, 7, "", [], {}, True])
    else:
        check(look, type_.name, sound, [*SCALARS, *((*without, *misfits) if needed else ())])
    if form.within:
        for parent in NO_TEXTS:
            assert looked(look(["x"], [parent, "parent"]), type_.name)[1]


class Azure:
    """A subscription or directory of which every listing is so."""

    def __init__(self, rows: list[Any]) -> None:
        self._rows = rows

    def get(self, _path: str, _version: str) -> Any:
        raise CallFailed("AuthorizationFailed")

    def pages(self, _path: str, _version: str) -> Iterator[list[Any]]:
        yield self._rows

    def query(self, _within: Any, _query: str) -> Iterator[list[Any]]:
        yield self._rows


AZURE = [type_ for type_ in azure_types.load() if type_.form.table or type_.form.listing]
SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("type_", AZURE, ids=lambda type_: type_.name)
def test_odd_rows_of_azure(type_: azure_types.ResourceType, whole: bool) -> None:
    place = Place(
        "d" if type_.of_directory else SUBSCRIPTION, "d" if type_.of_directory else SUBSCRIPTION, "/", "a", ()
    )

    def look(rows: list[Any]) -> Events:
        return AzureCollector(Azure(rows), place, [type_], "d", {}, whole and type_.form.table == "resources").collect()

    named = dict.fromkeys(references(type_.form.resource) - azure_types.PLACE_NAMES, "/x/y")
    kind = {"type": type_.form.type, "properties": {}} if type_.form.table else {}
    odd = [*SCALARS, kind, *(kind | dict.fromkeys(named, value) for value in NO_TEXTS)]
    if type_.form.table:  # whatever has no type may be of any, and what was not asked for is none of it
        odd += [{}, {"id": "x"}, {"id": "x", "type": 7}, {"id": "x", "type": ""}]
        odd += [] if whole and type_.form.table == "resources" else [{"id": "/x", "type": "Other.Provider/things"}]
    check(look, type_.name, kind | named, odd)


class Google:
    """A project of which each listing is so."""

    def __init__(self, rows: list[Any], policies: list[Any] = []) -> None:  # noqa: B006 - read only
        self._rows, self._policies = rows, policies

    def pages(self, ask: Ask) -> Iterator[Iterator[Any]]:
        rows = self._rows if ask.content == "RESOURCE" else self._policies
        yield iter([dict(row) if isinstance(row, dict) else row for row in rows])


PROJECT = Place("p", "p", "//cloudresourcemanager.googleapis.com/projects/p", "gcp", ())
GOOGLE = gcp_types.load()


def asset_of(type_: gcp_types.ResourceType, **more: Any) -> dict[str, Any]:
    resource = {"parent": "", "location": "", "data": {}}
    return {"name": "//x/y", "assetType": type_.form.asset_type, "ancestors": [], "resource": resource} | more


@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize("type_", GOOGLE, ids=lambda type_: type_.name)
def test_odd_rows_of_google(type_: gcp_types.ResourceType, raw: bool) -> None:
    def look(rows: list[Any]) -> Events:
        return GcpCollector(Google(rows), PROJECT, [type_], raw).collect()

    sound = asset_of(type_)
    odd = [sound | {"name": ""}, sound | {"assetType": ""}, sound | {"name": None}, sound | {"assetType": None}]
    odd += [{key: value for key, value in sound.items() if key != left} for left in ("name", "assetType")]
    other = [] if raw else [sound | {"assetType": "other.googleapis.com/Thing"}]  # nobody asked for it
    check(look, type_.name, sound, [*SCALARS, {}, *odd, *other])


@pytest.mark.parametrize("type_", [t for t in GOOGLE if gcp_types.details(t.form)], ids=lambda type_: type_.name)
def test_a_policy_of_nobody_is_everybodys(type_: gcp_types.ResourceType) -> None:
    def unknown(policies: list[Any]) -> set[str]:
        [asset] = [
            one
            for one in GcpCollector(Google([asset_of(type_)], policies), PROJECT, [type_]).collect()
            if isinstance(one, Asset)
        ]
        return set(asset.unknown) & {gcp_types.IAM, gcp_types.ORG}

    policy = {"name": "//x/y", "assetType": type_.form.asset_type, "iamPolicy": {}, "orgPolicy": []}
    assert unknown([policy]) == set()
    details = gcp_types.details(type_.form)
    odds: list[Any] = [None, {}]
    for odd in (*odds, policy | {"name": ""}, policy | {"assetType": ""}, policy | {"assetType": "", "name": ""}):
        assert unknown([policy, odd]) == details, odd
    bare = {key: value for key, value in policy.items() if key not in ("iamPolicy", "orgPolicy")}
    assert unknown([bare]) == details & {gcp_types.IAM}, "listed for its policy, which is not stated"


def test_whoever_asks_google_for_everything_sees_something() -> None:
    causes = {one.cause for one in GcpCollector(Google([]), PROJECT, GOOGLE).collect() if isinstance(one, Listing)}
    assert causes == {"cloudasset.assets.listResource EmptyListing"}
    narrow = GcpCollector(Google([]), PROJECT, GOOGLE[:1], raw=False).collect()
    assert {one.cause for one in narrow if isinstance(one, Listing)} == {""}


class Cluster:
    """A cluster of which every list is so."""

    def __init__(self, rows: list[Any]) -> None:
        self._rows = rows

    def get(self, _path: str) -> Any:
        return self._rows[0]

    def pages(self, _path: str, *, metadata_only: bool = False, labels: str = "") -> Iterator[list[Any]]:
        yield self._rows

    def close(self) -> None: ...


CLUSTER = Place("c", "c", "kubernetes://c", "kubernetes", ())
ODD_METADATA: list[Any] = [None, 7, [], {}, {"name": None}, {"name": ""}, {"name": 7}, {"name": "x", "namespace": 7}]


@pytest.mark.parametrize("type_", kubernetes_types.load(), ids=lambda type_: type_.name)
def test_odd_rows_of_kubernetes(type_: kubernetes_types.ResourceType) -> None:
    def look(rows: list[Any]) -> Events:
        return KubernetesCollector(Cluster(rows), CLUSTER, [type_]).collect()

    metadata: dict[str, Any] = {"name": "x", "labels": {"component": type_.form.component or ""}}
    metadata |= {"ownerReferences": [{"kind": "Node"}]} if type_.form.component else {}
    sound = {"metadata": metadata | ({"namespace": "shop"} if type_.form.namespaced else {})}
    odd = [*SCALARS, {}, *({"metadata": value} for value in ODD_METADATA)]
    if type_.form.component:  # a pod that says no component is none
        odd = [*SCALARS, {}, *({"metadata": value} for value in ODD_METADATA[:3])]
    if type_.form.only:
        assert looked(look([sound]), type_.name) == (1, "")
        assert all(looked(look([row]), type_.name)[1] for row in odd)
        return
    check(look, type_.name, sound, odd)
    if type_.form.component:  # of an odd pod nobody knows which component it is: none can be said not to be there
        assert looked(look([None]), type_.name) == (0, "malformed (TypeError)")


ENVELOPE = {"method": "GET", "status": 200}
WRONG: list[Any] = [7, "x", True, [1], {"a": 1}, 1.5]


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
def test_a_field_of_another_type_is_malformed_whoever_sent_it(wrong: Any) -> None:
    """A storage account's switch, and a bucket's labels."""
    url = f"https://management.azure.com/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a"
    id_ = url.removeprefix("https://management.azure.com")
    account = {"id": id_, "name": "a", "properties": {"supportsHttpsTrafficOnly": wrong}}
    [of_azure] = azure_recordings.read(ENVELOPE | {"url": url, "response": account}, azure_types.load())
    bucket = {"name": "a", "labels": wrong}
    google = ENVELOPE | {"url": "https://storage.googleapis.com/storage/v1/b/a", "response": bucket}
    [(_, _, of_google)] = Recordings(GOOGLE).read(google)
    fits = (isinstance(wrong, bool), isinstance(wrong, dict))
    assert (of_azure.outcome, of_google) == tuple("asset" if fit else "malformed" for fit in fits)


@pytest.mark.parametrize("row", SCALARS, ids=repr)
def test_a_row_that_is_no_mapping_is_malformed_whoever_sent_it(row: Any) -> None:
    graph = "https://management.azure.com/providers/Microsoft.ResourceGraph/resources"
    for response in ({"data": [row]}, {"data": {"columns": [{"name": "id"}], "rows": [row]}}):
        [of_azure] = azure_recordings.read(ENVELOPE | {"url": graph, "response": response}, AZURE)
        assert of_azure.outcome == ("malformed" if not isinstance(row, list) else of_azure.outcome)
    assets = ENVELOPE | {"url": "https://cloudasset.googleapis.com/v1/projects/p/assets", "response": {"assets": [row]}}
    assert [outcome for _, _, outcome in Recordings(GOOGLE).read(assets)] == ["malformed"]


def test_a_null_in_a_list_is_no_rule_fewer_whoever_sent_it() -> None:
    """What reads the field becomes unknown; the rest of the asset stands."""
    [group] = azure_types.load(kinds=["azure.network.security-group"])
    rules = {"securityRules": [None], "flushConnection": True}
    id_ = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers/{group.form.type}/a"
    rows = [{"id": id_, "type": group.form.type, "properties": rules}]
    place = Place(SUBSCRIPTION, SUBSCRIPTION, "/", "a", ())
    azure = AzureCollector(Azure(rows), place, [group], "d", {}, False).collect()
    [firewall] = [type_ for type_ in GOOGLE if type_.name == "gcp.compute.firewall"]
    data = {"data": {"name": "a", "allowed": [None], "disabled": False}}
    google = GcpCollector(Google([asset_of(firewall, resource=data)]), PROJECT, [firewall]).collect()
    [policy] = [type_ for type_ in kubernetes_types.load() if type_.name == "kubernetes.networking.network-policy"]
    row = {"metadata": {"name": "a", "namespace": "shop"}, "spec": {"ingress": [None]}}
    kubernetes = KubernetesCollector(Cluster([row]), CLUSTER, [policy]).collect()
    [security_group] = [type_ for type_ in AWS if type_.name == "aws.ec2.security-group"]
    sound = sound_of(security_group.form) | {"IpPermissions": [None], "IpPermissionsEgress": []}
    aws = engine.collect(Aws(security_group, [sound], []), [security_group], ACCOUNT)
    for events, field in ((azure, "securityRules"), (google, "allowed"), (kubernetes, "spec"), (aws, "IpPermissions")):
        [asset] = [one for one in events if isinstance(one, Asset)]
        assert asset.unknown == {field: "malformed: null in a list"}
