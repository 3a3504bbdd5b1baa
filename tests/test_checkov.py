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
from typing import Any

import pytest
from msgspec.structs import replace

from catalog import checkov as adopted_files
from catalog.checkov import Adopted
from catalog.folder import config_folder
from cli.main import main
from clouds.kubernetes_stand_in import ClusterStandIn
from collectors.kubernetes import resource_types
from detectors.checkov.checkov import Checkov
from detectors.checkov.shape import shape
from detectors.posture.judge import Moment
from model.asset import Asset, Listing, Place
from model.fault import Refused
from model.finding import Status, Verdict
from model.worker import Worker
from pipeline.assembly import House, assemble
from pipeline.checkov import NOT_INSTALLED, venv, worker
from pipeline.choice import Choice
from pipeline.listing import entries
from pipeline.survey import survey
from workers.child import Child

ROOT = Path(__file__).parent.parent
ADOPTED = {adopted.form.check: adopted for adopted in adopted_files.load(config_folder() / "checkov")}
GROUPS = {
    "v1": "core",
    "apps/v1": "apps",
    "batch/v1": "batch",
    "rbac.authorization.k8s.io/v1": "rbac",
    "networking.k8s.io/v1": "networking",
}
WORKLOAD = "kubernetes.core.workload"
WORKLOADS = {type_.kind.name for type_ in resource_types.load() if type_.family == WORKLOAD}
PLACE = Place("cluster-1", "cluster-1", "kubernetes://cluster-1", "kubernetes", ())
EVERY = pytest.mark.parametrize("adopted", ADOPTED.values(), ids=list(ADOPTED))


@pytest.fixture(scope="module")
def installed() -> Path:
    """Return checkov's Python; without it these tests are skipped by name, but never where everything has to run."""
    python = venv() / "bin" / "python"
    if not python.exists():
        assert os.environ.get("CI") != "true", "checkov is not installed: make checkov"
        pytest.skip("checkov is not installed: make checkov")
    return python


@pytest.fixture(scope="module")
def child(installed: Path) -> Iterator[Child]:
    with worker() as asked:
        yield asked


def asset(body: dict[str, Any], name: str = "") -> Asset:
    """Return the asset of an object as the collector tells it."""
    words = "".join("-" + c.lower() if c.isupper() else c for c in body["kind"]).strip("-")
    kind = f"kubernetes.{GROUPS[body['apiVersion']]}.{words}"
    component = body["metadata"].get("labels", {}).get("component", "")
    kind = f"kubernetes.{component.removeprefix('kube-').replace('-', '')}.component" if component else kind
    name = name or str(body["metadata"]["name"])
    family = WORKLOAD if kind in WORKLOADS else ""
    return Asset(kind, f"kubernetes://cluster-1/{name}", name, "cluster-1", "global", body, "", family=family)


def judged(asked: Worker, adopted: Iterable[Adopted], assets: Iterable[Asset], batch: int = 200) -> list[Verdict]:
    checkov = Checkov(list(adopted), asked, batch=batch)
    told = [verdict for one in assets for verdict in checkov.see(one)]
    return [*told, *checkov.end()]


def only(verdicts: list[Verdict]) -> Verdict:
    assert len(verdicts) == 1
    return verdicts[0]


def cases(adopted: Adopted) -> list[tuple[Status, dict[str, Any]]]:
    found = adopted.form.cases
    return [*(("pass", body) for body in found.pass_), *(("fail", body) for body in found.fail)]


@EVERY
def test_a_check_says_of_its_own_cases_what_they_are_there_for(child: Child, adopted: Adopted) -> None:
    for expected, body in cases(adopted):
        verdict = only(judged(child, [adopted], [asset(body)]))
        assert (verdict.status, verdict.reason) == (expected, "")
        assert verdict.message == (adopted.form.title if expected == "fail" else None)


@EVERY
def test_what_is_not_there_never_passes(child: Child, adopted: Adopted) -> None:
    whole = adopted.form.cases.pass_[0]
    kept = {"apiVersion": whole["apiVersion"], "kind": whole["kind"]}
    for body in ({}, kept, {**kept, "metadata": {}, "spec": {}}, {**kept, "metadata": {}, "spec": {"containers": []}}):
        verdict = only(judged(child, [adopted], [replace(asset(whole), body=body)]))
        assert verdict.status in ("unknown", "not_applicable")
        assert verdict.reason or verdict.status == "not_applicable"
        assert adopted.form.program or verdict.status == "unknown"


@EVERY
def test_a_case_is_an_object_as_the_api_returns_it(adopted: Adopted) -> None:
    for _, body in cases(adopted):
        assert {"apiVersion", "kind", "metadata"} <= body.keys()
        assert {"name", "uid", "resourceVersion", "creationTimestamp"} <= body["metadata"].keys()
        assert "managedFields" not in body["metadata"]
        assert body["kind"] not in ("Deployment", "Pod", "Service") or {"spec", "status"} <= body.keys()


def test_checks_do_not_disturb_each_other(child: Child) -> None:
    assets = [
        asset(body, name=f"{check}-{n}") for check in ADOPTED for n, (_, body) in enumerate(cases(ADOPTED[check]))
    ]
    together = {(v.policy, v.name): v.status for v in judged(child, ADOPTED.values(), assets)}
    alone = {
        (v.policy, v.name): v.status
        for adopted in ADOPTED.values()
        for v in judged(child, [adopted], assets)
    }  # fmt: skip
    assert together == alone
    assert Counter(together.values())["fail"] > len(ADOPTED)


def test_what_is_not_adopted_is_named_with_its_reason(installed: Path) -> None:
    code = (
        "import checkov.kubernetes.checks.resource.k8s\n"
        "from checkov.kubernetes.checks.resource.registry import registry\n"
        "print(*sorted({check.id for checks in registry.checks.values() for check in checks}))"
    )
    done = subprocess.run([installed, "-I", "-B", "-c", code], capture_output=True, text=True, check=True)
    page = (ROOT / "docs" / "checkov.md").read_text("utf-8")
    left_out = {
        cell.strip()
        for line in page.splitlines()
        if line.startswith("| CKV_")
        for cell in line.split("|")[1].split(",")
    }
    assert left_out | ADOPTED.keys() == set(done.stdout.split())
    assert not left_out & ADOPTED.keys()


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


PASSING = "print(json.dumps({'told': [['PASSED'] * len(o['checks']) for o in json.loads(line)['judge']]}), flush=True)"


def test_only_the_resource_that_breaks_the_process_is_unknown() -> None:
    breaking = program(f"'orders-7\"' in line and os._exit(1)\n    {PASSING}")
    bodies = [replace(w, body={**w.body, "metadata": {"name": w.name}}) for w in workloads(20)]
    with Child(breaking) as asked:
        verdicts = judged(asked, [ADOPTED["CKV_K8S_8"]], bodies)
    assert {v.name: v.status for v in verdicts} == {
        w.name: "unknown" if w.name == "orders-7" else "pass" for w in bodies
    }
    assert "broke its process" in next(v.reason for v in verdicts if v.status == "unknown")


def test_what_breaks_again_and_again_is_not_asked_for_ever() -> None:
    with Child(program("os._exit(1)")) as asked:
        verdicts = judged(asked, [ADOPTED["CKV_K8S_8"]], workloads(25))
    assert [v.status for v in verdicts] == ["unknown"] * 25
    assert "no more are asked alone" in verdicts[-1].reason


@pytest.mark.parametrize(
    "answer",
    [
        "'[' * 5000",
        "'{}'",
        "'{\"told\": []}'",
        "'{\"told\": [[]]}'",
        '\'{"told": [["MAYBE"]]}\'',
        "'{\"told\": [[1]]}'",
    ],
)
def test_a_broken_answer_is_none(answer: str) -> None:
    with Child(program(f"print({answer}, flush=True)")) as asked:
        verdict = only(judged(asked, [ADOPTED["CKV_K8S_8"]], workloads(1)))
    assert (verdict.status, verdict.reason) == ("unknown", "checkov: checkov gave an answer that is none")


def test_a_check_that_breaks_off_is_unknown_and_nothing_of_the_resource_is_told(child: Child) -> None:
    body = json.loads(json.dumps(ADOPTED["CKV_K8S_16"].form.cases.pass_[0]))
    body["spec"]["template"]["spec"]["containers"][0]["securityContext"] = ["marker"]
    verdict = only(judged(child, [ADOPTED["CKV_K8S_16"]], [asset(body)]))
    assert (verdict.status, verdict.reason) == ("unknown", "the check broke off (AttributeError)")


class Seen:
    """A sight of what is there already."""

    def __init__(self, events: list[Asset | Listing]) -> None:
        self.place = PLACE
        self._events = events

    def look(self) -> Iterator[Asset | Listing]:
        yield from self._events


def test_without_checkov_every_adopted_check_is_unknown_and_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HINOMI_CHECKOV", str(tmp_path / "nowhere"))
    house = House((), adopted=tuple(ADOPTED.values()))
    told = list(survey(Seen([*workloads(2)]), house, Moment(datetime(2026, 6, 1, tzinfo=UTC))))
    verdicts = [verdict for observation in told for verdict in observation.verdicts]
    assert {(v.status, v.reason) for v in verdicts} == {("unknown", NOT_INSTALLED)}
    assert len(verdicts) == 2 * sum(WORKLOAD in adopted.form.kinds for adopted in ADOPTED.values())


def test_large_objects_are_asked_without_what_no_check_reads() -> None:
    asked: list[int] = []

    class Counting:
        def ready(self) -> None: ...

        def ask(self, question: bytes, seconds: float) -> bytes:
            asked.append(len(question))
            told = [["PASSED"] * len(one["checks"]) for one in json.loads(question)["judge"]]
            return json.dumps({"told": told}).encode()

    metadata = {"name": "photos", "namespace": "shop"}
    large = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "data": {"all": "x" * 900_000}}
    assets = [asset(large, name=f"photos-{number}") for number in range(200)]
    assert len(judged(Counting(), [ADOPTED["CKV_K8S_21"]], assets)) == 200
    assert (len(asked), max(asked) < 50_000) == (1, True)
    asked.clear()
    body = json.loads(json.dumps(workloads(1)[0].body))
    body["spec"]["template"]["spec"]["containers"][0]["args"] = ["x" * 1_000_000]
    assert len(judged(Counting(), [ADOPTED["CKV_K8S_8"]], [asset(body)] * 20)) == 20
    assert (len(asked), max(asked) < 11 * 2**20) == (3, True)


HOSTILE: list[Any] = [None, 5, "text", [], {}, [5], ["text"], [[]], [{}], {"text": 5}, [{"name": []}]]


@pytest.mark.parametrize("value", HOSTILE, ids=repr)
def test_whatever_stands_where_something_else_is_expected_ends_in_a_verdict(child: Child, value: Any) -> None:
    for adopted in ADOPTED.values():
        body = adopted.form.cases.fail[0]
        for key in body.keys() - {"apiVersion", "kind", "metadata", "status"}:
            assert only(judged(child, [adopted], [replace(asset(body), body={**body, key: value})]))
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


def test_what_a_policy_of_ours_says_too_is_left_to_it(child: Child) -> None:
    form = replace(ADOPTED["CKV_K8S_16"].form, also="kubernetes.core.privileged-container")
    adopted = replace(ADOPTED["CKV_K8S_16"], form=form)
    failing, unseen = asset(form.cases.fail[0], name="one"), asset(form.cases.fail[0], name="two")
    checkov = Checkov([adopted], child, ["kubernetes.core.privileged-container"])
    ours = replace(
        only(judged(child, [ADOPTED["CKV_K8S_16"]], [failing])), policy="kubernetes.core.privileged-container"
    )
    checkov.see(failing)
    checkov.see(unseen)
    checkov.note([ours])
    left = list(checkov.end())
    assert [v.status for v in left] == ["not_applicable", "fail"]  # ours judges the first of them only
    assert [v.reason for v in left] == [
        "left to kubernetes.core.privileged-container: both say fail",
        "",
    ]
    assert only(judged(child, [adopted], [failing])).status == "fail"  # where ours is not in the run


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


def test_a_template_is_found_in_every_kind_of_workload(child: Child) -> None:
    template = ADOPTED["CKV_K8S_31"].form.cases.pass_[0]["spec"]["template"]
    faulty = {**template, "spec": {**template["spec"], "hostPID": True, "securityContext": {}}}
    metadata = {"name": "orders", "namespace": "shop"}
    versions = {"Job": "batch/v1", "CronJob": "batch/v1", "ReplicationController": "v1", "Pod": "v1"}
    for kind in ("Deployment", "DaemonSet", "StatefulSet", "ReplicaSet", *versions):
        for expected, told in (("pass", template), ("fail", faulty)):
            spec: dict[str, Any] = {"template": told}
            spec = told["spec"] if kind == "Pod" else {"jobTemplate": {"spec": spec}} if kind == "CronJob" else spec
            body = {"apiVersion": versions.get(kind, "apps/v1"), "kind": kind, "metadata": metadata, "spec": spec}
            verdicts = judged(child, [ADOPTED["CKV_K8S_17"], ADOPTED["CKV_K8S_31"]], [asset(body)])
            assert [v.status for v in verdicts] == [expected] * 2, kind
            assert shape(ADOPTED["CKV_K8S_31"], asset(body))["kind"] == "Pod"


def test_probes_are_no_matter_of_jobs(child: Child) -> None:
    template = ADOPTED["CKV_K8S_8"].form.cases.fail[0]["spec"]["template"]
    body = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a"}, "spec": {"template": template}}
    assert only(judged(child, [ADOPTED["CKV_K8S_8"]], [asset(body)])).status == "not_applicable"


def test_what_could_not_be_read_is_unknown(child: Child) -> None:
    unread = replace(workloads(1)[0], unknown={"spec": "denied"})
    assert only(judged(child, [ADOPTED["CKV_K8S_8"]], [unread])).reason == "spec: denied"


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


def test_no_two_files_have_one_id_and_what_they_name_exists(tmp_path: Path) -> None:
    folder = tmp_path / "checkov"
    folder.mkdir()
    for check in ("CKV_K8S_8", "CKV_K8S_9"):
        (folder / f"{check}.yaml").write_text(TEXT.replace("CKV_K8S_8", check), "utf-8")
    with pytest.raises(Refused, match=r"is taken by checkov/CKV_K8S_8\.yaml"):
        adopted_files.load(folder)
    adopted = replace(ADOPTED["CKV_K8S_44"], form=replace(ADOPTED["CKV_K8S_44"].form, also="kubernetes.core.nothing"))
    told = [fault.problem for fault in adopted_files.cross_check([adopted], ["kubernetes.core.pod"], [])]
    assert told == ["there is no kind 'kubernetes.core.service'", "there is no policy 'kubernetes.core.nothing'"]
    assert list(adopted_files.cross_check([adopted], ["aws.s3.bucket"], [])) == []
