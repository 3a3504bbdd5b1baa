"""Adopted checks: each file's cases in the real checkov, and a verdict on everything whatever its process does."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pytest
from msgspec import convert
from msgspec.structs import replace

from catalog import checkov as adopted_files
from catalog import policies
from catalog.checkov import Adopted, TemplateMapping
from catalog.folder import config_folder
from cli.main import main
from clouds.aws.service_models import operation, step
from collectors.aws import resource_types as aws_types
from collectors.azure import resource_types as azure_types
from collectors.azure.resource_types import ENVELOPE
from collectors.declared import checked as checked_fields
from collectors.kubernetes import resource_types
from demo.stand_ins.kubernetes import ClusterStandIn
from detectors import verdicts
from detectors.checkov.checkov import Checkov
from detectors.checkov.containers import one_by_one
from detectors.checkov.shape import as_template, shown
from detectors.checkov.written import WRITTEN
from detectors.posture.judge import Moment
from model.asset import Asset, Kind, Listing, Place
from model.fault import Refused
from model.finding import Source, Status, Verdict
from model.worker import Worker
from pipeline.assembly import Catalog, assemble
from pipeline.checkov_process import NOT_INSTALLED, NotInstalled, checkov_worker, venv
from pipeline.policies.choice import Choice
from pipeline.policies.listing import entries
from pipeline.scanning.scan import scan
from pipeline.scanning.survey import survey
from pipeline.scanning.templates import LIMITS
from semantics.kubernetes.workloads import pod_spec, security_context, shared_context
from store.home import Home
from tests.conftest import MovingClock
from tests.contracts import known
from tests.recorded_clouds import TENANT, catalog
from tests.worlds import entered, scan_of, world_of
from workers.child import Child

ROOT = Path(__file__).parent.parent.parent
ADOPTED = {adopted.form.check: adopted for adopted in adopted_files.load(config_folder() / "checkov")}
OF_OBJECTS = [adopted for adopted in ADOPTED.values() if adopted.form.template is None]
OF_TEMPLATES = [adopted for adopted in ADOPTED.values() if adopted.form.template is not None]
GROUPS = {
    "v1": "core",
    "apps/v1": "apps",
    "batch/v1": "batch",
    "rbac.authorization.k8s.io/v1": "rbac",
    "networking.k8s.io/v1": "networking",
    "policy/v1beta1": "policy",
}
WORKLOAD = "kubernetes.core.workload"
WORKLOADS = {type_.kind.name for type_ in resource_types.load() if type_.family == WORKLOAD}
PLACE = Place("cluster-1", "cluster-1", "kubernetes://cluster-1", "kubernetes", ())
EVERY = pytest.mark.parametrize("adopted", ADOPTED.values(), ids=list(ADOPTED))
EVERY_OF_OBJECTS = pytest.mark.parametrize("adopted", OF_OBJECTS, ids=[one.form.check for one in OF_OBJECTS])
EVERY_OF_TEMPLATES = pytest.mark.parametrize("adopted", OF_TEMPLATES, ids=[one.form.check for one in OF_TEMPLATES])


@pytest.fixture(scope="module")
def installed() -> Path:
    """Return checkov's Python; without it these tests are skipped by name, but never where everything has to run."""
    python = venv() / "bin" / "python"
    if not python.exists():
        assert os.environ.get("CI") != "true", "checkov is not installed: make checkov"
        pytest.skip("checkov is not installed: make checkov")
    return python


@pytest.fixture(scope="module")
def child(installed: Path, checkov: Child) -> Child:
    return checkov


def asset(body: dict[str, Any], name: str = "") -> Asset:
    """Return the asset of an object as the collector returns it."""
    words = "".join("-" + c.lower() if c.isupper() else c for c in body["kind"]).strip("-")
    kind = f"kubernetes.{GROUPS[body['apiVersion']]}.{words}"
    component = body["metadata"].get("labels", {}).get("component", "")
    kind = f"kubernetes.{component.removeprefix('kube-').replace('-', '')}.component" if component else kind
    kind = "kubernetes.kubelet.configuration" if body["kind"] == "ConfigMap" else kind
    name = name or str(body["metadata"]["name"])
    family = WORKLOAD if kind in WORKLOADS else ""
    return Asset(kind, f"kubernetes://cluster-1/{name}", name, "cluster-1", "global", body, "", family=family)


def asset_of(adopted: Adopted, body: dict[str, Any], name: str = "") -> Asset:
    """Return the asset of a case: an object's kind stands in it, another resource's in the file."""
    if adopted.form.template is None:
        return asset(body, name)
    return Asset(adopted.form.kinds[0], name or "case", name or "case", "scope-1", "global", body, "")


def judged(asked: Worker, adopted: Iterable[Adopted], assets: Iterable[Asset], batch: int = 200) -> list[Verdict]:
    checkov = Checkov(list(adopted), asked, batch=batch)
    reported = [verdict for one in assets for verdict in checkov.see(one)]
    return [*reported, *checkov.end()]


def only(verdicts: list[Verdict]) -> Verdict:
    assert len(verdicts) == 1
    return verdicts[0]


def cases(adopted: Adopted) -> list[tuple[Status, dict[str, Any]]]:
    found = adopted.form.cases
    return [*(("pass", body) for body in found.pass_), *(("fail", body) for body in found.fail)]


@EVERY
def test_a_check_says_of_its_own_cases_what_they_are_there_for(child: Child, adopted: Adopted) -> None:
    for expected, body in cases(adopted):
        verdict = only(judged(child, [adopted], [asset_of(adopted, body)]))
        assert (verdict.status, verdict.reason) == (expected, "")
        assert verdict.message == (adopted.form.title if expected == "fail" else None)


@EVERY_OF_TEMPLATES
def test_what_is_not_reported_never_passes(child: Child, adopted: Adopted) -> None:
    assert adopted.form.template is not None
    assert only(judged(child, [adopted], [asset_of(adopted, {})])).status == "unknown"
    looked_at = {path.split(".")[0] for path in adopted.form.template.reads}
    for _, body in cases(adopted):
        reported = {name: value for name, value in body.items() if name not in looked_at}
        assert only(judged(child, [adopted], [asset_of(adopted, reported)])).status in ("fail", "unknown")
        unread = replace(asset_of(adopted, body), unknown=dict.fromkeys(looked_at, "denied"))
        assert only(judged(child, [adopted], [unread])).reason.endswith(": denied")


@EVERY_OF_OBJECTS
def test_what_is_not_there_never_passes(child: Child, adopted: Adopted) -> None:
    whole = adopted.form.cases.pass_[0]
    kept = {"apiVersion": whole["apiVersion"], "kind": whole["kind"]}
    for body in ({}, kept, {**kept, "metadata": {}, "spec": {}}, {**kept, "metadata": {}, "spec": {"containers": []}}):
        verdict = only(judged(child, [adopted], [replace(asset(whole), body=body)]))
        if adopted.form.lacking == "pass" and body:  # a role without rules allows nothing, and the API leaves them out
            assert verdict.status == "pass"
            continue
        assert verdict.status in ("unknown", "not_applicable")
        assert verdict.reason or verdict.status == "not_applicable"
        assert adopted.form.program or verdict.status == "unknown"


@EVERY_OF_TEMPLATES
def test_a_case_is_a_resource_as_it_is_kept(adopted: Adopted) -> None:
    kind = adopted.form.kinds[0]
    for _, body in cases(adopted):
        if adopted.provider == "aws":
            form = AWS[kind].form
            row = named(form)
            for name, value in body.items():
                shape = detail(form, name) if name in form.details else row and step(row, name)
                assert not (strange := strangers(shape, value)), (name, strange)
        else:
            declared = dict(ENVELOPE) | AZURE[kind].form.fields
            reported = {name: value for name, value in body.items() if name not in AZURE[kind].form.details}
            assert checked_fields(reported, declared) == (reported, {})
            assert body["type"] == AZURE[kind].form.type


AWS = {type_.kind.name: type_ for type_ in aws_types.load()}
AZURE = {type_.kind.name: type_ for type_ in azure_types.load()}


def named(form: aws_types.TypeForm) -> Any:
    """Return the shape of a type's rows, None where they are names alone."""
    listing = form.listing
    assert listing is not None
    if listing.describe:
        return step(operation(form.service, listing.describe.op).output, f"{listing.describe.rows}[]")
    rows = listing.rows if listing.rows.endswith("[]") else f"{listing.rows}[]"
    return None if listing.as_ else step(operation(form.service, listing.op).output, rows)


def detail(form: aws_types.TypeForm, name: str) -> Any:
    """Return the shape of a detail, None where it is a document that AWS's model does not describe."""
    said = form.details[name]
    output = operation(form.service, said.op).output
    return None if said.json else step(output, said.get) if said.get else output


def strangers(shape: Any, value: Any) -> list[str]:
    """Return the names in a value that AWS's own model does not know there."""
    if shape is None or shape.type_name == "map":
        return []
    if isinstance(value, list):
        return [name for element in value for name in strangers(shape.member, element)]
    if not isinstance(value, dict):
        known = {"string": str, "boolean": bool, "integer": int, "long": int, "timestamp": str, "double": float}
        return [] if isinstance(value, known[shape.type_name]) else [f"{value!r} is no {shape.type_name}"]
    unknown = [name for name in value if name not in shape.members]
    return unknown or [name for key, inner in value.items() for name in strangers(shape.members[key], inner)]


@pytest.mark.process
@pytest.mark.parametrize("runner", ["cloudformation", "arm"])
@pytest.mark.usefixtures("installed")
def test_checkov_s_own_runner_says_the_same_of_the_cases_as_templates(tmp_path: Path, runner: str) -> None:
    asked = {
        f"{check.replace('_', '')}Case{number}": (adopted, asset_of(adopted, body), expected)
        for check, adopted in ADOPTED.items()
        if adopted.form.runner == runner
        for number, (expected, body) in enumerate(cases(adopted))
    }
    resources = {name: shown([adopted], one) for name, (adopted, one, _) in asked.items()}
    more = {"apiVersion": "2024-01-01", "location": "japaneast"}
    template = {
        "cloudformation": {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources},
        "arm": {
            "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
            "contentVersion": "1.0.0.0",
            "resources": [{"name": name, **more, **resource} for name, resource in resources.items()],
        },
    }[runner]
    (tmp_path / "template.json").write_text(json.dumps(template, indent=2), "utf-8")
    question = {"templates": {"folder": str(tmp_path), "runner": runner}}
    with checkov_worker(LIMITS) as own:
        answer = json.loads(own.ask(json.dumps(question).encode(), 120))
    assert answer["unparsed"] == []
    failed = {(found["check"], found["resource"].rpartition(".")[2]) for found in answer["found"]}
    theirs = {
        name: "fail" if (adopted.form.check, name) in failed else "pass" for name, (adopted, _, _) in asked.items()
    }
    assert theirs == {name: expected for name, (_, _, expected) in asked.items()}


@EVERY_OF_OBJECTS
def test_a_case_is_an_object_as_the_api_returns_it(adopted: Adopted) -> None:
    for _, body in cases(adopted):
        assert {"apiVersion", "kind", "metadata"} <= body.keys()
        assert {"name", "uid", "resourceVersion", "creationTimestamp"} <= body["metadata"].keys()
        assert "managedFields" not in body["metadata"]
        assert body["kind"] not in ("Deployment", "Pod", "Service") or {"spec", "status"} <= body.keys()


def test_checks_do_not_disturb_each_other(child: Child) -> None:
    assets = [
        asset_of(adopted, body, name=f"{check}-{n}")
        for check, adopted in ADOPTED.items()
        for n, (_, body) in enumerate(cases(adopted))
    ]
    together = {(v.policy, v.name): v.status for v in judged(child, ADOPTED.values(), assets)}
    alone = {
        (v.policy, v.name): v.status
        for adopted in ADOPTED.values()
        for v in judged(child, [adopted], assets)
    }  # fmt: skip
    assert together == alone
    assert Counter(together.values())["fail"] > len(ADOPTED)


@pytest.mark.process
def test_every_check_of_kubernetes_is_adopted(installed: Path) -> None:
    code = (
        "import checkov.kubernetes.checks.resource.k8s\n"
        "from checkov.kubernetes.checks.resource.registry import registry\n"
        "print(*sorted({check.id for checks in registry.checks.values() for check in checks}))"
    )
    done = subprocess.run([installed, "-I", "-B", "-c", code], capture_output=True, text=True, check=True)
    assert {adopted.form.check for adopted in OF_OBJECTS} == set(done.stdout.split())


def workloads(number: int) -> list[Asset]:
    body = ADOPTED["CKV_K8S_8"].form.cases.fail[0]
    return [asset(body, name=f"orders-{n}") for n in range(number)]


def test_a_process_that_is_killed_in_the_middle_costs_no_verdict(child: Child) -> None:
    pods = [adopted for adopted in ADOPTED.values() if WORKLOAD in adopted.form.kinds]
    child.ready()
    killed = child.pid
    timer = threading.Timer(0.05, os.kill, [killed, signal.SIGKILL])
    timer.start()
    verdicts = judged(child, pods, workloads(400), batch=400)
    timer.join()
    assert child.pid != killed
    assert {(v.policy, v.name) for v in verdicts} == {(a.id, w.name) for a in pods for w in workloads(400)}
    assert len(verdicts) == len(pods) * 400
    assert sum(v.status == "unknown" for v in verdicts) == 0


def program(answering: str) -> list[str]:
    text = f"import json, os, sys\nprint('ready', flush=True)\nfor line in sys.stdin:\n    {answering}"
    return [sys.executable, "-I", "-c", text]


PASSING = (
    "print(json.dumps({'statuses': [['PASSED'] * len(o['checks']) for o in json.loads(line)['judge']]}), flush=True)"
)


@pytest.mark.process
def test_only_the_resource_that_breaks_the_process_is_unknown() -> None:
    breaking = program(f"'orders-7\"' in line and os._exit(1)\n    {PASSING}")
    bodies = [replace(w, body={**w.body, "metadata": {"name": w.name}}) for w in workloads(20)]
    with Child(breaking) as asked:
        verdicts = judged(asked, [ADOPTED["CKV_K8S_8"]], bodies)
    assert {v.name: v.status for v in verdicts} == {
        w.name: "unknown" if w.name == "orders-7" else "pass" for w in bodies
    }
    assert "broke its process" in next(v.reason for v in verdicts if v.status == "unknown")


@pytest.mark.process
def test_what_breaks_again_and_again_is_not_asked_for_ever() -> None:
    with Child(program("os._exit(1)")) as asked:
        verdicts = judged(asked, [ADOPTED["CKV_K8S_8"]], workloads(25))
    assert [v.status for v in verdicts] == ["unknown"] * 25
    assert "no more are asked alone" in verdicts[-1].reason


@pytest.mark.process
@pytest.mark.parametrize(
    "answer",
    [
        "'[' * 5000",
        "'{}'",
        "'{\"statuses\": []}'",
        "'{\"statuses\": [[]]}'",
        '\'{"statuses": [["MAYBE"]]}\'',
        "'{\"statuses\": [[1]]}'",
    ],
)
def test_a_broken_answer_is_none(answer: str) -> None:
    with Child(program(f"print({answer}, flush=True)")) as asked:
        verdict = only(judged(asked, [ADOPTED["CKV_K8S_8"]], workloads(1)))
    assert (verdict.status, verdict.reason) == ("unknown", "checkov: checkov gave an answer that is none")


def test_a_check_that_breaks_off_is_unknown_and_nothing_of_the_resource_is_reported(child: Child) -> None:
    body = json.loads(json.dumps(ADOPTED["CKV_K8S_39"].form.cases.pass_[0]))
    body["spec"]["template"]["spec"]["containers"][0]["securityContext"] = {"capabilities": {"add": 5}}
    verdict = only(judged(child, [ADOPTED["CKV_K8S_39"]], [asset(body)]))
    assert (verdict.status, verdict.reason) == ("unknown", "the check broke off (TypeError)")


class Seen:
    """A collector of what is there already."""

    def __init__(self, events: list[Asset | Listing], place: Place = PLACE) -> None:
        self.place = place
        self._events = events

    def collect(self) -> Iterator[Asset | Listing]:
        yield from self._events


def test_without_checkov_every_adopted_check_is_unknown_and_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HINOMI_CHECKOV", str(tmp_path / "nowhere"))
    catalog = Catalog((), adopted=tuple(ADOPTED.values()))
    with checkov_worker() as asked:
        reported = list(survey(Seen([*workloads(2)]), catalog, Moment(datetime(2026, 6, 1, tzinfo=UTC)), asked))
    verdicts = [verdict for observation in reported for verdict in observation.verdicts]
    of_workloads = [adopted for adopted in ADOPTED.values() if WORKLOAD in adopted.form.kinds]
    elsewhere = {adopted.id for adopted in of_workloads if adopted.form.program}  # for pods that run a kubelet
    assert {(v.status, v.reason) for v in verdicts if v.policy not in elsewhere} == {("unknown", NOT_INSTALLED)}
    assert {v.status for v in verdicts if v.policy in elsewhere} == {"not_applicable"}
    assert len(verdicts) == 2 * len(of_workloads)


def test_large_objects_are_asked_without_what_no_check_reads() -> None:
    asked: list[int] = []

    class Counting:
        spent = 0.0

        def ready(self) -> None: ...

        def ask(self, question: bytes, seconds: float) -> bytes:
            asked.append(len(question))
            reported = [["PASSED"] * len(one["checks"]) for one in json.loads(question)["judge"]]
            return json.dumps({"statuses": reported}).encode()

    metadata = {"name": "photos", "namespace": "shop"}
    large = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "data": {"all": "x" * 900_000}}
    assets = [asset(large, name=f"photos-{number}") for number in range(200)]
    assert len(judged(Counting(), [ADOPTED["CKV_K8S_21"]], assets)) == 200
    assert (len(asked), max(asked) < 50_000) == (1, True)
    asked.clear()
    body = json.loads(json.dumps(workloads(1)[0].body))
    body["spec"]["template"]["spec"]["containers"][0]["livenessProbe"] = {"exec": {"command": ["x" * 1_000_000]}}
    assert len(judged(Counting(), [ADOPTED["CKV_K8S_8"]], [asset(body)] * 20)) == 20
    assert (len(asked), max(asked) < 11 * 2**20) == (3, True)


def with_value(body: Any, steps: list[str], value: Any) -> Any:
    """Return a body with another value at a path, where the path leads anywhere."""
    if not steps:
        return value
    name = steps[0].removesuffix("[]")
    if not isinstance(body, dict) or name not in body:
        return body
    within = body[name]
    put = [with_value(inner, steps[1:], value) for inner in within] if steps[0].endswith("[]") else None
    return {**body, name: put if put is not None else with_value(within, steps[1:], value)}


HOSTILE: list[Any] = [None, 5, "text", [], {}, [5], ["text"], [[]], [{}], {"text": 5}, [{"name": []}]]


@pytest.mark.parametrize("value", HOSTILE, ids=repr)
def test_whatever_stands_where_something_else_is_expected_ends_in_a_verdict(child: Child, value: Any) -> None:
    for adopted in ADOPTED.values():
        body = adopted.form.cases.fail[0]
        whole = asset_of(adopted, body)
        for key in body.keys() - {"apiVersion", "kind", "metadata", "status"}:
            assert only(judged(child, [adopted], [replace(whole, body={**body, key: value})]))
        for source in adopted.form.template.reads if adopted.form.template else ():
            assert only(judged(child, [adopted], [replace(whole, body=with_value(body, source.split("."), value))]))
        if "spec" in body:
            template = {"spec": {"containers": value, "volumes": value}, "metadata": value}
            spec = template["spec"] if body["kind"] == "Pod" else {"template": template}
            assert only(judged(child, [adopted], [replace(asset(body), body={**body, "spec": spec})]))


def checked(cluster: ClusterStandIn, folder: Path, capsys: pytest.CaptureFixture[str], *policies: str) -> Any:
    """Return the exit code of a look at a cluster, and its lines."""
    chosen = [word for policy in policies for word in ("--policy", policy)]
    with pytest.raises(SystemExit) as ended:
        main(["check", "kubernetes", "--kubeconfig", str(cluster.kubeconfig(folder)), *chosen, "--format", "jsonl"])
    return ended.value.code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.process
@pytest.mark.usefixtures("installed")
def test_a_cluster_is_judged_by_adopted_checks_beside_our_policies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty = ADOPTED["CKV_K8S_16"].form.cases.fail[0]
    names = ("checkov:CKV_K8S_13", "checkov:CKV_K8S_16", "kubernetes.core.privileged-container")
    with ClusterStandIn([faulty]) as cluster:
        code, alone = checked(cluster, tmp_path, capsys, *names[:2])
        assert (code, {(line["asked"], line["status"]) for line in alone}) == (
            0,
            {("checkov:CKV_K8S_13", "pass"), ("checkov:CKV_K8S_16", "fail")},
        )
        _, both = checked(cluster, tmp_path, capsys, *names[1:])
        assert {line["asked"]: line["status"] for line in both} == {names[1]: "not_applicable", names[2]: "fail"}
        monkeypatch.setenv("HINOMI_CHECKOV", str(tmp_path / "nowhere"))
        code, unknown = checked(cluster, tmp_path, capsys, *names[:1])
        assert (code, unknown[0]["status"], unknown[0]["reason"]) == (3, "unknown", NOT_INSTALLED)


def test_a_listing_that_failed_is_unknown_once(child: Child) -> None:
    checkov = Checkov([ADOPTED["CKV_K8S_8"], ADOPTED["CKV_K8S_49"]], child)
    listing = Listing("cluster-1", "kubernetes.apps.deployment", "global", "Forbidden", WORKLOAD)
    verdict = only(checkov.hear(listing, PLACE))
    assert (verdict.policy, verdict.status) == ("kubernetes.checkov.liveness-probe-missing", "unknown")
    assert verdict.reason == "listing: Forbidden"
    assert checkov.hear(listing, PLACE) == []


PRIVILEGED = "kubernetes.core.privileged-container"
BOTH = [policy for policy in policies.load(config_folder() / "policies", "kubernetes") if policy.id == PRIVILEGED]


def ours(seen: Asset, status: Status) -> Verdict:
    """Return what our own policy says of an asset."""
    message = BOTH[0].form.title if status == "fail" else None
    return verdicts.verdict(BOTH[0], seen, status, message=message)


@pytest.mark.parametrize(
    ("status", "case", "says"),
    [("fail", "fail", "fail"), ("pass", "fail", "fail"), ("fail", "pass", "pass"), ("unknown", "pass", "pass")],
)
def test_our_policy_s_verdict_names_the_second_source(
    child: Child, status: Status, case: Status, says: Literal["pass", "fail"]
) -> None:
    adopted = ADOPTED["CKV_K8S_16"]
    body = dict(cases(adopted))[case]
    checkov = Checkov([adopted], child, BOTH)
    seen = asset(body)
    assert checkov.see(seen, [ours(seen, status)]) == []  # it waits for the batch's answer
    mine, theirs = checkov.end()
    assert (mine.policy, mine.status, mine.sources) == (PRIVILEGED, status, (Source("checkov:CKV_K8S_16", says),))
    assert bool(mine.disagreeing) == (status in ("pass", "fail") and status != says)
    assert (theirs.status, theirs.reason) == ("not_applicable", f"left to {PRIVILEGED}; checkov says {says}")
    assert checkov.sourced(ours(seen, status)).sources == ()  # nothing waits any more


def test_what_a_policy_says_at_the_end_names_its_second_source_too(child: Child) -> None:
    checkov = Checkov([ADOPTED["CKV_K8S_16"]], child, BOTH)
    seen = asset(ADOPTED["CKV_K8S_16"].form.cases.fail[0])
    checkov.see(seen)
    assert [verdict.status for verdict in checkov.end()] == ["not_applicable"]
    assert checkov.sourced(ours(seen, "fail")).sources == (Source("checkov:CKV_K8S_16", "fail"),)


def test_what_checkov_does_not_know_is_no_source() -> None:
    checkov = Checkov([ADOPTED["CKV_K8S_16"]], NotInstalled(), BOTH)
    seen = asset(ADOPTED["CKV_K8S_16"].form.cases.fail[0])
    checkov.see(seen, [ours(seen, "fail")])
    mine, theirs = checkov.end()
    assert (mine.status, mine.sources) == ("fail", ())
    assert theirs.reason == f"left to {PRIVILEGED}; checkov says unknown ({NOT_INSTALLED})"


def test_several_checks_may_be_one_policy_s_second_sources(child: Child) -> None:
    public = [adopted for adopted in ADOPTED.values() if adopted.form.also == "aws.s3.public-access-block-off"]
    mine = [p for p in policies.load(config_folder() / "policies", "aws") if p.id == public[0].form.also]
    bucket = asset_of(public[0], public[0].form.cases.fail[0])
    checkov = Checkov(public, child, mine)
    checkov.see(bucket)
    checkov.end()
    reported = checkov.sourced(verdicts.verdict(mine[0], bucket, "fail", message=mine[0].form.title)).sources
    assert {source.check: source.status for source in reported} == {
        f"checkov:CKV_AWS_{number}": "fail" if number == 53 else "pass" for number in (53, 54, 55, 56)
    }


def test_our_own_verdicts_wait_a_batch_at_most(child: Child) -> None:
    checkov = Checkov([ADOPTED["CKV_K8S_16"]], child, BOTH, batch=10)
    waiting = 0
    for seen in workloads(35):
        waiting += 1 - sum(verdict.policy == PRIVILEGED for verdict in checkov.see(seen, [ours(seen, "pass")]))
        assert waiting < 10
    assert sum(verdict.policy == PRIVILEGED for verdict in checkov.end()) == waiting == 5


@pytest.mark.process
@pytest.mark.usefixtures("installed")
def test_a_scan_keeps_the_second_source_with_the_finding_and_counts_what_disagrees(
    home: Home, clock: MovingClock
) -> None:
    asked = {"aws.s3.public-access-block-off", "aws.dynamodb.point-in-time-recovery-off"}
    whole = catalog()
    chosen = replace(
        whole,
        policies=tuple(policy for policy in whole.policies if policy.id in asked),
        adopted=tuple(adopted for adopted in whole.adopted if adopted.form.also in asked),
    )
    known(home, TENANT.tenant, "2026-06-01T00:00:00.000000Z")
    scope = TENANT.scopes[0].id
    bodies = {
        "aws.s3.bucket": {"Name": "photos"},
        "aws.s3.account-block": ADOPTED["CKV_AWS_53"].form.cases.pass_[0],
        "aws.dynamodb.table": ADOPTED["CKV_AWS_28"].form.cases.fail[0],
    }
    seen = [Asset(kind, f"arn:{kind}", kind, scope, "global", body, kind) for kind, body in bodies.items()]
    place = Place(scope, scope, f"arn:aws:iam::{scope}:root", "aws", ())
    task = scan_of(world_of(home, clock), TENANT, chosen)
    summary = scan(world_of(home, clock, entered(lambda *_: Seen([*seen], place))), task)
    with home.tenant(TENANT.tenant).read() as reader:
        (finding,) = reader.findings()
    assert (finding.policy, finding.sources) == (
        "aws.dynamodb.point-in-time-recovery-off",
        (Source("checkov:CKV_AWS_28", "fail"),),
    )
    assert summary.disagreed == {f"aws.s3.public-access-block-off checkov:CKV_AWS_{n}": 1 for n in (53, 54, 55, 56)}
    assert scan(world_of(home, clock, entered(lambda *_: Seen([], place))), task) == summary, "done already"


def test_where_our_policy_does_not_judge_the_check_says_it_itself(child: Child) -> None:
    adopted = ADOPTED["CKV_K8S_16"]
    failing = asset(adopted.form.cases.fail[0])
    other = replace(failing, kind="kubernetes.shop.order", family="")
    form = replace(adopted.form, kinds=[*adopted.form.kinds, other.kind])
    checkov = Checkov([replace(adopted, form=form)], child, BOTH)
    checkov.see(failing)
    checkov.see(other)
    assert [verdict.status for verdict in checkov.end()] == ["not_applicable", "fail"]
    assert only(judged(child, [adopted], [failing])).status == "fail"  # where ours is not in the run


TEMPLATE: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({"Properties.A.B": "x.y"}, {"x": {"y": False}}, {"Properties": {"A": {"B": False}}}),
    ({"Properties.A.B": "x.y", "Properties.A.C": "z"}, {"x": 5, "z": 1}, {"Properties": {"A": {"C": 1}}}),
    ({"Properties.A": "x"}, {"x": None}, {}),
    ({"Properties.A": "x"}, {"x": []}, {"Properties": {"A": []}}),
    ({"Properties.A[].B": "x[].y"}, {"x": [{"y": 1}, {}, {"y": 3}]}, {"Properties": {"A": [{"B": 1}, {}, {"B": 3}]}}),
    ({"Properties.A[].B": "x[].y"}, {"x": {"y": 1}}, {}),
    (
        {"Properties.A[].B": "x[].y", "Properties.A[].C.D": "x[].z"},
        {"x": [{"y": 1, "z": 2}]},
        {"Properties": {"A": [{"B": 1, "C": {"D": 2}}]}},
    ),
    ({"Properties.A": {"of": "x", "is": "ENABLED"}}, {"x": "ENABLED"}, {"Properties": {"A": True}}),
    ({"Properties.A": {"of": "x", "is": "ENABLED"}}, {"x": "DISABLED"}, {"Properties": {"A": False}}),
    ({"Properties.A": {"of": "x", "is": "ENABLED"}}, {}, {}),
]


@pytest.mark.parametrize(("values", "body", "expected"), TEMPLATE)
def test_a_live_resource_is_shown_as_its_template(
    values: dict[str, Any], body: dict[str, Any], expected: dict[str, Any]
) -> None:
    template = convert({"type": "AWS::S3::Bucket", "values": values}, TemplateMapping)
    assert as_template(body, template, "Type") == {"Type": "AWS::S3::Bucket", **expected}


def test_a_resource_of_another_sort_is_no_matter_of_a_check(child: Child) -> None:
    adopted = ADOPTED["CKV_AWS_74"]
    body = adopted.form.cases.fail[0]
    assert only(judged(child, [adopted], [asset_of(adopted, {**body, "Engine": "neptune"})])).status == "not_applicable"
    reported = only(judged(child, [adopted], [asset_of(adopted, {k: v for k, v in body.items() if k != "Engine"})]))
    assert (reported.status, reported.reason) == ("unknown", "Engine is not there, and the check looks at nothing else")


def test_a_pod_is_no_matter_of_a_program_that_it_does_not_run(child: Child) -> None:
    etcd = ADOPTED["CKV_K8S_117"]
    other = replace(asset(ADOPTED["CKV_K8S_68"].form.cases.fail[0]), kind="kubernetes.etcd.component")
    assert only(judged(child, [etcd], [other])).status == "not_applicable"


@pytest.mark.parametrize(
    ("command", "args", "expected"),
    [
        (["/usr/local/bin/etcd", "--auto-tls"], [], "fail"),
        (["etcd"], ["--auto-tls=true"], "fail"),
        (["etcd"], ["--name", "a", "--auto-tls", "true"], "fail"),
        (["etcd", "--auto-tls=false"], [], "pass"),
        (["etcd", "--name", "a"], ["b"], "pass"),
        (["/bin/sh", "-c", "etcd --auto-tls"], [], "not_applicable"),
        ([], [], "not_applicable"),
    ],
)
def test_arguments_are_found_however_they_are_written(
    child: Child, command: list[str], args: list[str], expected: str
) -> None:
    adopted = ADOPTED["CKV_K8S_118"]
    body = json.loads(json.dumps(adopted.form.cases.pass_[0]))
    body["spec"]["containers"][0] |= {"command": command, "args": args}
    assert only(judged(child, [adopted], [asset(body)])).status == expected


@pytest.mark.parametrize(
    ("check", "flag", "expected"),
    [
        ("CKV_K8S_88", None, "not_applicable"),  # no supported server has such a port
        ("CKV_K8S_88", "--insecure-port=0", "pass"),
        ("CKV_K8S_88", "--insecure-port=8080", "fail"),
        ("CKV_K8S_96", None, "pass"),  # on by default
        ("CKV_K8S_96", "--service-account-lookup", "pass"),
        ("CKV_K8S_96", "--service-account-lookup=false", "fail"),
        ("CKV_K8S_105", None, "unknown"),
        ("CKV_K8S_79", "--enable-admission-plugins=NodeRestriction,AlwaysAdmit", "fail"),  # not named alone
        ("CKV_K8S_79", "--admission-control=AlwaysAdmit", "fail"),
        ("CKV_K8S_79", None, "pass"),
        ("CKV_K8S_82", None, "pass"),  # on by default, named or not
        ("CKV_K8S_82", "--disable-admission-plugins=ServiceAccount", "fail"),
        ("CKV_K8S_83", "--enable-admission-plugins=NodeRestriction", "pass"),
        ("CKV_K8S_83", "--admission-control=LimitRanger", "fail"),  # the old flag names all that run
        ("CKV_K8S_78", None, "fail"),  # off unasked
        ("CKV_K8S_78", "--enable-admission-plugins=EventRateLimit", "pass"),
        ("CKV_K8S_78", "--admission-control=LimitRanger", "fail"),
        ("CKV_K8S_84", None, "not_applicable"),  # a server of 1.33
        ("CKV_K8S_95", None, "pass"),  # one minute by default
        ("CKV_K8S_95", "--request-timeout=1m0s", "pass"),
        ("CKV_K8S_95", "--request-timeout=3600s", "pass"),
        ("CKV_K8S_95", "--request-timeout=1.5h", "pass"),
        ("CKV_K8S_95", "--request-timeout=0s", "fail"),
        ("CKV_K8S_95", "--request-timeout=250ms", "fail"),
        ("CKV_K8S_95", "--request-timeout=a minute", "fail"),
    ],
)
def test_what_holds_without_a_flag_stands_in_the_file(
    child: Child, check: str, flag: str | None, expected: Status
) -> None:
    body = json.loads(json.dumps(ADOPTED["CKV_K8S_68"].form.cases.pass_[0]))
    body["spec"]["containers"][0]["command"] += [flag] if flag else []
    assert only(judged(child, [ADOPTED[check]], [asset(body)])).status == expected


_NO_RELEASE = "the image does not state the release, and the check is for those before 1.25"


@pytest.mark.parametrize(
    ("check", "flags", "expected"),
    [
        ("CKV_K8S_81", [], "fail"),
        ("CKV_K8S_81", ["--admission-control=PodSecurityPolicy"], "pass"),
        ("CKV_K8S_81", ["--enable-admission-plugins", "NodeRestriction,SecurityContextDeny"], "pass"),
        ("CKV_K8S_81", ["--enable-admission-plugins=NodeRestriction"], "fail"),
        ("CKV_K8S_84", [], "fail"),
        ("CKV_K8S_84", ["--admission-control=PodSecurityPolicy"], "pass"),
        ("CKV_K8S_84", ["--enable-admission-plugins=NodeRestriction"], "fail"),
    ],
)
def test_plugins_are_found_by_the_flag_of_any_release(
    child: Child, check: str, flags: list[str], expected: Status
) -> None:
    body = json.loads(json.dumps(ADOPTED["CKV_K8S_84"].form.cases.fail[0]))
    body["spec"]["containers"][0]["command"] = ["kube-apiserver", *flags]
    assert only(judged(child, [ADOPTED[check]], [asset(body)])).status == expected


@pytest.mark.parametrize("command", [["kubelet"], ["/usr/bin/kubelet"], ["kubelet", ""], ["kubelet", "--", "-"]])
def test_whoever_makes_a_pod_cannot_break_the_look(child: Child, command: list[str]) -> None:
    checks = [ADOPTED["CKV_K8S_143"], ADOPTED["CKV_K8S_146"]]
    body = json.loads(json.dumps(checks[0].form.cases.pass_[0]))
    body["spec"]["template"]["spec"]["containers"][0]["command"] = command
    assert [v.status for v in judged(child, checks, [asset(body)])] == ["pass", "pass"]


def test_flags_in_a_file_are_unknown(child: Child) -> None:
    body = json.loads(json.dumps(ADOPTED["CKV_K8S_78"].form.cases.fail[0]))
    body["spec"]["containers"][0]["command"] = ["kube-apiserver", "--config-file=/etc/x.yaml"]
    reported = only(judged(child, [ADOPTED["CKV_K8S_78"]], [asset(body)]))
    assert (reported.status, reported.reason) == ("unknown", "the configuration stands in a file: --config-file")


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("k8s.gcr.io/kube-apiserver:v1.21.14", ("fail", "")),
        ("k8s.gcr.io/kube-apiserver:v1.24.17", ("fail", "")),
        ("registry:5000/kube-apiserver:v1.24.17@sha256:" + "0a" * 32, ("fail", "")),
        ("registry.k8s.io/kube-apiserver:v1.25.0-rc.1", ("not_applicable", "")),
        ("registry.k8s.io/kube-apiserver:v1.33.4", ("not_applicable", "")),
        ("rancher/hardened-kubernetes:v1.33.4-rke2r1-build20260820", ("not_applicable", "")),
        ("registry.k8s.io/kube-apiserver@sha256:" + "0a" * 32, ("unknown", _NO_RELEASE)),
        ("registry:1.24.0/kube-apiserver", ("unknown", _NO_RELEASE)),
    ],
)
def test_what_kubernetes_has_removed_is_asked_of_older_releases_only(
    child: Child, image: str, expected: tuple[Status, str]
) -> None:
    body = json.loads(json.dumps(ADOPTED["CKV_K8S_84"].form.cases.fail[0]))
    body["spec"]["containers"][0]["image"] = image
    reported = only(judged(child, [ADOPTED["CKV_K8S_84"]], [asset(body)]))
    assert (reported.status, reported.reason) == expected


@pytest.mark.parametrize(
    ("how", "value", "written"),
    [
        # Go, package time: the examples of ParseDuration and Duration.String.
        ("time", "300s", "5m"),
        ("time", "1h15m30.918s", "1h15m30s"),
        ("time", "1.5h", "1h30m"),
        ("time", "90m", "1h30m"),
        ("time", "60000ms", "1m"),
        ("time", "1500ms", "1s"),
        ("time", "250ms", "250ms"),
        ("time", "0", "0"),
        ("time", "0s", "0"),
        ("time", "5 minutes", "5 minutes"),
        ("time", "", ""),
        ("pem", "/etc/kubernetes/pki/sa.pub", "file.pem"),
        ("pem", "/etc/k8s.d/ca", "file.pem"),
        ("pem", "", "file.none"),
        ("limit", "5", "5"),
        ("limit", "0", str(2**31 - 1)),
    ],
)
def test_values_are_written_as_checkov_wants_them(how: str, value: str, written: str) -> None:
    assert WRITTEN[how](value) == written


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        ({"seccomp.security.alpha.kubernetes.io/defaultProfileName": "docker/default"}, "pass"),
        ({"a": "b", "seccomp.security.alpha.kubernetes.io/defaultProfileName": "runtime/default"}, "pass"),
        ({"seccomp.security.alpha.kubernetes.io/allowedProfileNames": "runtime/default"}, "fail"),
        ({}, "fail"),
        (None, "fail"),
    ],
)
def test_annotations_are_found_however_many(child: Child, annotations: Any, expected: Status) -> None:
    body = dict(ADOPTED["CKV_K8S_32"].form.cases.fail[0])
    body["metadata"] = {"name": "restricted", "annotations": annotations}
    assert only(judged(child, [ADOPTED["CKV_K8S_32"]], [asset(body)])).status == expected


@pytest.mark.parametrize(
    ("kubelet", "unknown", "expected"),
    [
        ({"readOnlyPort": 10255}, {}, {"CKV_K8S_138": "pass", "CKV_K8S_141": "fail", "CKV_K8S_144": "fail"}),
        ({"readOnlyPort": 0, "protectKernelDefaults": True}, {}, {"CKV_K8S_141": "pass", "CKV_K8S_144": "pass"}),
        ({"authentication": {"anonymous": {"enabled": True}}}, {}, {"CKV_K8S_138": "fail", "CKV_K8S_149": "unknown"}),
        ({"tlsCipherSuites": ["TLS_RSA_WITH_RC4_128_SHA"]}, {}, {"CKV_K8S_151": "fail"}),
        ({"eventRecordQPS": 5}, {}, {"CKV_K8S_147": "pass"}),
        ({"eventRecordQPS": 0}, {}, {"CKV_K8S_147": "fail"}),  # no limit at all
        ({"readOnlyPort": 0}, {}, {"CKV_K8S_147": "fail"}),  # 50 by default
        (None, {}, {"CKV_K8S_138": "not_applicable", "CKV_K8S_144": "not_applicable"}),  # not made by kubeadm
        (None, {"kubelet": "malformed"}, {"CKV_K8S_138": "unknown", "CKV_K8S_144": "unknown"}),
    ],
)
def test_the_kubelet_s_configuration_is_judged_as_its_arguments(
    child: Child, kubelet: dict[str, Any] | None, unknown: dict[str, str], expected: dict[str, Status]
) -> None:
    body = dict(ADOPTED["CKV_K8S_138"].form.cases.pass_[0])
    body |= {"kubelet": kubelet} if kubelet is not None else {}
    if kubelet is None:
        del body["kubelet"]
    seen = replace(asset(body), unknown=unknown)
    checks = [ADOPTED[check] for check in expected]
    assert {v.policy: v.status for v in judged(child, checks, [seen])} == {
        ADOPTED[check].id: status for check, status in expected.items()
    }


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"resources": ["clusterroles"], "verbs": ["bind"]}, "fail"),
        ({"resources": ["*"], "verbs": ["*"]}, "fail"),
        ({"resources": ["roles"], "verbs": ["bind"], "resourceNames": ["view"]}, "pass"),
        ({"resources": ["rolebindings"], "verbs": ["bind", "create"]}, "pass"),  # Kubernetes asks on roles alone
        ({"resources": ["clusterroles"], "verbs": ["get"]}, "pass"),
        ({"resources": None, "verbs": ["bind"], "nonResourceURLs": ["/healthz"]}, "pass"),
    ],
)
def test_what_may_be_bound_is_looked_for_on_roles(child: Child, rule: dict[str, Any], expected: Status) -> None:
    adopted = ADOPTED["CKV_K8S_157"]
    body = dict(adopted.form.cases.pass_[0]) | {"rules": [{"apiGroups": ["rbac.authorization.k8s.io"]} | rule]}
    assert only(judged(child, [adopted], [asset(body)])).status == expected


def test_a_template_is_found_in_every_kind_of_workload(child: Child) -> None:
    template = ADOPTED["CKV_K8S_31"].form.cases.pass_[0]["spec"]["template"]
    faulty = {**template, "spec": {**template["spec"], "hostPID": True, "securityContext": {}}}
    metadata = {"name": "orders", "namespace": "shop"}
    versions = {"Job": "batch/v1", "CronJob": "batch/v1", "ReplicationController": "v1", "Pod": "v1"}
    for kind in ("Deployment", "DaemonSet", "StatefulSet", "ReplicaSet", *versions):
        for expected, reported in (("pass", template), ("fail", faulty)):
            spec: dict[str, Any] = {"template": reported}
            spec = reported["spec"] if kind == "Pod" else {"jobTemplate": {"spec": spec}} if kind == "CronJob" else spec
            body = {"apiVersion": versions.get(kind, "apps/v1"), "kind": kind, "metadata": metadata, "spec": spec}
            verdicts = judged(child, [ADOPTED["CKV_K8S_17"], ADOPTED["CKV_K8S_31"]], [asset(body)])
            assert [v.status for v in verdicts] == [expected] * 2, kind
            [(_, shown_as)] = one_by_one([ADOPTED["CKV_K8S_31"]], asset(body))
            assert shown_as["kind"] == "Pod"


OF_CONTAINERS = [adopted for adopted in OF_OBJECTS if adopted.form.container_lists]
EVERY_OF_CONTAINERS = pytest.mark.parametrize("adopted", OF_CONTAINERS, ids=[one.form.check for one in OF_CONTAINERS])


def settled(adopted: Adopted, body: dict[str, Any]) -> dict[str, Any]:
    """Return the one container of a case, with what its pod says for it where the check looks at that."""
    pod = pod_spec(body["kind"], body["spec"])
    (container,) = pod["containers"]
    if adopted.form.shape != "pod":
        return dict(container)
    return {**container, "securityContext": security_context(shared_context(pod), container)}


def of_containers(adopted: Adopted, **lists: list[dict[str, Any]]) -> Asset:
    """Return a workload with these lists of containers."""
    template = adopted.form.cases.fail[0]["spec"]["template"]
    kept = {n: v for n, v in template["spec"].items() if n not in ("containers", "initContainers", "securityContext")}
    metadata = {n: v for n, v in template["metadata"].items() if n != "labels"}
    body = {**adopted.form.cases.fail[0], "spec": {"template": {"metadata": metadata, "spec": kept | lists}}}
    return asset(body)


@EVERY_OF_CONTAINERS
def test_each_container_is_judged_wherever_it_stands(child: Child, adopted: Adopted) -> None:
    good = settled(adopted, adopted.form.cases.pass_[0])
    bad = settled(adopted, adopted.form.cases.fail[0])
    further = sorted(adopted.form.container_lists - {"containers"})
    pods = {
        "fail": [
            {"containers": [bad]},
            {"containers": [good, bad]},
            {"containers": [bad, good]},
            *({"containers": [good], name: [bad]} for name in further),
            *({"containers": [good], name: [good, bad]} for name in further),
        ],
        "pass": [
            {"containers": [good]},
            {"containers": [good, good]},
            *({"containers": [good], name: [good]} for name in further),
        ],
    }
    for expected, each in pods.items():
        verdicts = judged(child, [adopted], [of_containers(adopted, **lists) for lists in each])
        assert [(v.status, v.reason) for v in verdicts] == [(expected, "")] * len(each)


@EVERY_OF_CONTAINERS
def test_a_container_that_is_none_is_never_passed_over(child: Child, adopted: Adopted) -> None:
    good = settled(adopted, adopted.form.cases.pass_[0])
    for strange in (5, None, ["app"], "app"):
        pods = [of_containers(adopted, containers=[good, strange])]  # type: ignore[list-item]
        assert only(judged(child, [adopted], pods)).status == "unknown"


# Expected by kubernetes.io: «Resource Management for Pods and Containers», «Assign Pod-level CPU and memory resources».
@pytest.mark.parametrize(
    ("check", "of_pod", "first", "second", "expected"),
    [
        ("CKV_K8S_10", {}, {"limits": {"cpu": "1"}}, {"requests": {"cpu": "1"}}, "pass"),
        ("CKV_K8S_10", {}, {"limits": {"cpu": "1"}}, {"limits": {"memory": "1Gi"}}, "fail"),
        ("CKV_K8S_10", {}, {"requests": {"cpu": "1"}}, {}, "fail"),
        ("CKV_K8S_10", {}, {}, {"requests": {"cpu": "1"}}, "fail"),
        ("CKV_K8S_10", {"requests": {"cpu": "1"}}, {}, {}, "pass"),
        ("CKV_K8S_10", {"limits": {"cpu": "1"}}, {}, {"requests": {"memory": "1Gi"}}, "pass"),
        ("CKV_K8S_12", {}, {"limits": {"memory": "1Gi"}}, {"limits": {"memory": "1Gi"}}, "pass"),
        ("CKV_K8S_12", {"limits": {"cpu": "1"}}, {}, {"limits": {"memory": "1Gi"}}, "fail"),
        ("CKV_K8S_11", {}, {"requests": {"cpu": "1"}}, {"limits": {"cpu": "1"}}, "fail"),
        ("CKV_K8S_11", {"limits": {"cpu": "2"}}, {"requests": {"cpu": "1"}}, {}, "pass"),
        ("CKV_K8S_13", {"limits": {"cpu": "2"}}, {"limits": {"memory": "1Gi"}}, {}, "fail"),
    ],
)
def test_resources_hold_by_the_pod_and_by_limits_too(
    child: Child, check: str, of_pod: dict[str, Any], first: dict[str, Any], second: dict[str, Any], expected: Status
) -> None:
    containers = [{"name": "a", "image": "i", "resources": first}, {"name": "b", "image": "i", "resources": second}]
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": containers}}
    body["spec"] = {**body["spec"], "resources": of_pod}  # type: ignore[dict-item]
    assert only(judged(child, [ADOPTED[check]], [asset(body)])).status == expected


CONFINED = {"type": "RuntimeDefault"}


@pytest.mark.parametrize(
    ("check", "pod", "container", "expected"),
    [
        (
            "CKV_K8S_31",
            {"seccompProfile": {"type": "RuntimeDefault"}},
            {"seccompProfile": {"type": "Unconfined"}},
            "fail",
        ),
        (
            "CKV_K8S_31",
            {"seccompProfile": {"type": "Unconfined"}},
            {"seccompProfile": {"type": "RuntimeDefault"}},
            "pass",
        ),
        ("CKV_K8S_23", {"runAsNonRoot": True}, {"runAsNonRoot": False}, "fail"),
        ("CKV_K8S_23", {"runAsNonRoot": True}, {}, "pass"),
        ("CKV_K8S_40", {"runAsUser": 10001}, {"runAsUser": 5}, "fail"),
        ("CKV_K8S_40", {"runAsUser": 10001}, {}, "pass"),
        ("CKV_K8S_39", {}, {"capabilities": {"add": ["cap_sys_admin"]}}, "fail"),
        ("CKV_K8S_39", {}, {"capabilities": {"add": ["ALL"]}}, "fail"),
        ("CKV_K8S_39", {}, {"capabilities": {"add": ["CHOWN"]}}, "pass"),
    ],
)
def test_the_pod_s_settings_hold_where_a_container_has_none(
    child: Child, check: str, pod: dict[str, Any], container: dict[str, Any], expected: Status
) -> None:
    spec = {"securityContext": pod, "containers": [{"name": "a", "securityContext": container}]}
    for kind, inside in (("Pod", spec), ("CronJob", {"jobTemplate": {"spec": {"template": {"spec": spec}}}})):
        body = {"apiVersion": "v1" if kind == "Pod" else "batch/v1", "kind": kind, "metadata": {"name": "a"}}
        assert only(judged(child, [ADOPTED[check]], [asset({**body, "spec": inside})])).status == expected


# Expected by kubernetes.io, «Windows containers in Kubernetes», «Field compatibility for container specifications».
@pytest.mark.parametrize("check", ["20", "22", "25", "28", "31", "37", "39", "40"])
def test_what_windows_has_not_is_no_fault_of_its_pods(child: Child, check: str) -> None:
    spec = {"os": {"name": "windows"}, "containers": [{"name": "a"}]}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": spec}
    assert only(judged(child, [ADOPTED[f"CKV_K8S_{check}"]], [asset(body)])).status == "not_applicable"


@pytest.mark.parametrize(
    ("check", "rules", "expected"),
    [
        ("157", [{"verbs": ["bind"], "resources": ["clusterroles"], "resourceNames": ["cluster-admin"]}], "fail"),
        ("157", [{"verbs": ["bind"], "resources": ["clusterroles"], "resourceNames": ["view"]}], "pass"),
        ("158", [{"verbs": ["escalate"], "resources": ["clusterroles"], "resourceNames": ["own"]}], "fail"),
        ("49", 5, "unknown"),
        ("158", [5], "unknown"),
        ("158", [{"verbs": "escalate", "resources": ["clusterroles"]}], "unknown"),
        ("158", None, "pass"),
    ],
)
def test_rules_of_roles(child: Child, check: str, rules: Any, expected: Status) -> None:
    group = {"apiGroups": ["rbac.authorization.k8s.io"]}
    if isinstance(rules, list):
        rules = [{**group, **each} if isinstance(each, dict) else each for each in rules]
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "a"}}
    body = role if rules is None else {**role, "rules": rules}
    assert only(judged(child, [ADOPTED[f"CKV_K8S_{check}"]], [asset(body)])).status == expected


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ({"kind": "User", "name": "system:serviceaccount:shop:default"}, "fail"),
        ({"kind": "ServiceAccount", "name": "default", "namespace": "shop"}, "fail"),
        ({"kind": "User", "name": "system:serviceaccount:shop:web"}, "pass"),
        ({"kind": "User", "name": "default"}, "pass"),
    ],
)
def test_a_default_account_is_one_as_a_user_too(child: Child, subject: dict[str, str], expected: Status) -> None:
    body = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "a"}}
    assert only(judged(child, [ADOPTED["CKV_K8S_42"]], [asset({**body, "subjects": [subject]})])).status == expected


def test_probes_are_no_matter_of_jobs(child: Child) -> None:
    template = ADOPTED["CKV_K8S_8"].form.cases.fail[0]["spec"]["template"]
    body = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a"}, "spec": {"template": template}}
    assert only(judged(child, [ADOPTED["CKV_K8S_8"]], [asset(body)])).status == "not_applicable"


def test_what_could_not_be_read_is_unknown(child: Child) -> None:
    unread = replace(workloads(1)[0], unknown={"spec": "denied"})
    assert only(judged(child, [ADOPTED["CKV_K8S_8"]], [unread])).reason == "spec: denied"


@pytest.mark.process
def test_the_process_has_no_network_and_starts_nothing(installed: Path) -> None:
    code = (
        "import os, runpy, socket, subprocess, sys\n"
        f"held = runpy.run_path({str(ROOT / 'workers' / 'checkov_child.py')!r})\n"
        "sys.addaudithook(held['_hold_back'])\n"
        "for attempt in (lambda: socket.create_connection(('127.0.0.1', 1)), lambda: subprocess.run(['true']),\n"
        "                os.fork, lambda: os.system('true'), lambda: socket.getaddrinfo('example.com', 80)):\n"
        "    try:\n        attempt()\n    except PermissionError as refused:\n        print(refused)\n"
    )
    done = subprocess.run([installed, "-I", "-B", "-c", code], capture_output=True, text=True, check=True)
    assert len(done.stdout.split()) == 5


@pytest.mark.process
def test_what_judging_does_not_need_is_not_imported(installed: Path) -> None:
    code = (
        "import os, runpy, sys\n"
        f"child = runpy.run_path({str(ROOT / 'workers' / 'checkov_child.py')!r})\n"
        "os.environ.update(child['_ENVIRONMENT'])\n"
        "checks = child['_Checks']()\n"
        "print(*(len(checks.of(runner)) > 100 for runner in ('kubernetes', 'cloudformation', 'arm')))\n"
        "print('checkov.common.bridgecrew.platform_integration' in sys.modules)\n"
    )
    done = subprocess.run([installed, "-I", "-B", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True", "True", "False"]


def test_adopted_checks_are_chosen_by_either_name_and_listed() -> None:
    for name in ("checkov:CKV_K8S_8", "kubernetes.checkov.liveness-probe-missing"):
        chosen, asked = Choice("kubernetes", (name,)).of(config_folder())
        assert [one.id for one in chosen] == ["kubernetes.checkov.liveness-probe-missing"]
        assert asked == {chosen[0].id: [name]}
        assert assemble(config_folder(), chosen).adopted == tuple(chosen)
    listed = [entry for entry in entries(assemble(config_folder())) if entry["what"] == "checkov"]
    assert {entry["check"] for entry in listed} == ADOPTED.keys()


TEXT = (config_folder() / "checkov" / "CKV_K8S_8.yaml").read_text("utf-8")


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("check: CKV_K8S_8\n", "check: CKV_K8S_9\n", "2:8: the check 'CKV_K8S_9' and the file's name disagree"),
        ("check: CKV_K8S_8\n", "check: liveness\n", "2:8: 'liveness' does not fit the pattern"),
        ("same_as: [checkov:CKV_K8S_8]", "same_as: []", "has to name the check: checkov:CKV_K8S_8"),
        ("kinds: [kubernetes.core.workload]", "kinds: [aws.s3.bucket]", "4:9: 'aws.s3.bucket' is of another provider"),
        ("kinds: [kubernetes.core.workload]", "kinds: []", "4:8: [] "),
        ("severity: low", "severity: lo", "'lo' has to be one of"),
        ("needs: [pod.containers]", "need: [pod.containers]", "'need' is not known here; did you mean 'needs'?"),
        ("needs: [pod.containers]", "needs: [pod..containers]", "'pod..containers' does not fit the pattern"),
        ("  ja: コンテナにLiveness Probeが設定されていない\n", "", "lacks 'ja'"),
    ],
)  # fmt: skip
def test_a_file_that_does_not_fit_is_refused_with_its_place(
    before: str, after: str, problem: str, tmp_path: Path
) -> None:
    assert before in TEXT
    folder = tmp_path / "checkov"
    folder.mkdir()
    (folder / "CKV_K8S_8.yaml").write_text(TEXT.replace(before, after), "utf-8")
    with pytest.raises(Refused) as refused:
        adopted_files.load(folder)
    assert str(refused.value).startswith("checkov/CKV_K8S_8.yaml:")
    assert problem in str(refused.value)


TEMPLATES_TEXT = (config_folder() / "checkov" / "CKV_AWS_34.yaml").read_text("utf-8")
LISTED = '"Properties.DistributionConfig.CacheBehaviors[].ViewerProtocolPolicy": '
BEHAVIOUR = '"Config.CacheBehaviors.Items[].ViewerProtocolPolicy"'


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        (
            "runner: cloudformation",
            "runner: kubernetes",
            "has to have a 'template' where the runner is one of templates",
        ),
        ("needs:", "reads: [Config]\nneeds:", "has to have 'reads' where no 'template' or 'flags' say what is read"),
        (BEHAVIOUR, "Config.Enabled", "elements ([]) of one list have to come of elements of one list"),
        (
            BEHAVIOUR,
            '{of: "Config.Items[].A", is: x}',
            "elements ([]) of one list have to come of elements of one list",
        ),
        (
            LISTED + BEHAVIOUR,
            f'{LISTED}{BEHAVIOUR}\n    "Properties.DistributionConfig.CacheBehaviors[].A": "Config.Other[].A"',
            "elements ([]) of one list have to come of elements of one list",
        ),
        ("type: AWS::CloudFront::Distribution", "type: Distribution", "does not fit the pattern"),
        ("  type: AWS::CloudFront::Distribution\n", "", "lacks 'type'"),
    ],
)
def test_a_template_that_does_not_fit_is_refused(before: str, after: str, problem: str, tmp_path: Path) -> None:
    assert before in TEMPLATES_TEXT
    folder = tmp_path / "checkov"
    folder.mkdir()
    (folder / "CKV_AWS_34.yaml").write_text(TEMPLATES_TEXT.replace(before, after), "utf-8")
    with pytest.raises(Refused) as refused:
        adopted_files.load(folder)
    assert problem in str(refused.value)


def test_no_two_files_have_one_id_and_what_they_name_exists(tmp_path: Path) -> None:
    folder = tmp_path / "checkov"
    folder.mkdir()
    for check in ("CKV_K8S_8", "CKV_K8S_9"):
        (folder / f"{check}.yaml").write_text(TEXT.replace("CKV_K8S_8", check), "utf-8")
    with pytest.raises(Refused, match=r"is taken by checkov/CKV_K8S_8\.yaml"):
        adopted_files.load(folder)
    adopted = replace(ADOPTED["CKV_K8S_44"], form=replace(ADOPTED["CKV_K8S_44"].form, also="kubernetes.core.nothing"))
    pod, bucket = (
        Kind(name, "", frozenset(), frozenset(), frozenset()) for name in ("kubernetes.core.pod", "aws.s3.bucket")
    )
    reported = [fault.problem for fault in adopted_files.cross_check([adopted], {pod.name: pod}, [])]
    assert reported == ["there is no kind 'kubernetes.core.service'", "there is no policy 'kubernetes.core.nothing'"]
    assert list(adopted_files.cross_check([adopted], {bucket.name: bucket}, [])) == []
    names = {"aws.sns.topic": bucket}, ["aws.sns.topic-unencrypted"]
    reported = [fault.problem for fault in adopted_files.cross_check([ADOPTED["CKV_AWS_26"]], *names)]
    assert reported == [f"aws.sns.topic has no field {name!r}" for name in ("KmsMasterKeyId", "TopicArn")]
