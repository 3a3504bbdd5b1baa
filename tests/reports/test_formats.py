"""Findings for programs: OCSF by the models of py-ocsf-models, CSV by RFC 4180 and OWASP's list."""

import csv
import io
import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace
from py_ocsf_models import OCSF_VERSION
from py_ocsf_models.events.findings.activity_id import ActivityID
from py_ocsf_models.events.findings.category_uid import CategoryUID
from py_ocsf_models.events.findings.class_uid import ClassUID
from py_ocsf_models.events.findings.compliance_finding import ComplianceFinding
from py_ocsf_models.events.findings.compliance_finding_type_id import ComplianceFindingTypeID
from py_ocsf_models.events.findings.detection_finding import DetectionFinding
from py_ocsf_models.events.findings.detection_finding_type_id import DetectionFindingTypeID
from py_ocsf_models.events.findings.finding import Finding as AnyFinding
from py_ocsf_models.events.findings.severity_id import SeverityID
from py_ocsf_models.events.findings.status_id import StatusID
from py_ocsf_models.objects.account import Account
from py_ocsf_models.objects.cloud import Cloud
from py_ocsf_models.objects.compliance import Compliance
from py_ocsf_models.objects.compliance_status import StatusID as ComplianceStatusID
from py_ocsf_models.objects.resource_details import ResourceDetails
from py_ocsf_models.objects.vulnerability_details import VulnerabilityDetails
from pydantic import BaseModel

from catalog.policies import Described
from model.finding import (
    CATEGORIES,
    CATEGORY_WORDS,
    SEVERITIES,
    UNWATCHED,
    Category,
    Element,
    Finding,
    JudgedFinding,
    Source,
    State,
    Verdict,
    advance,
)
from model.text import LANGUAGES, Language, Text
from reports import formats
from reports.export import Export
from reports.wording import SAID, SEVERITY, STATE, TEXTS
from store.home import Home
from store.rows import Run
from tests.recorded_clouds import catalog, types_of

POLICIES: dict[str, Described] = {judging.id: judging.form for judging in catalog().judging}
RUN = Run("r", "scan:aozora", "s", "2026-06-03T00:00:00.000000Z", "2026-06-03T00:10:00.000000Z", {})
FINDING = Finding(
    uid="0123456789abcdef0123456789abcdef", asset_uid="a", severity="high",
    policy="aws.ec2.default-security-group-has-rules",
    kind="aws.ec2.security-group", resource="arn:aws-cn:ec2:cn-north-1:012345678901:security-group/sg-1",
    name="bastion", scope="012345678901", region="cn-north-1", state="open", message=Text(en="open to all", ja="開放"),
    elements=(Element("tcp", "fail", Text(en="tcp is open", ja="TCPが開放")), Element("udp", "unknown", reason="why")),
    opened_at="2026-06-01T16:00:00.123456Z", changed_at="2026-06-01T16:00:00.123456Z",
)  # fmt: skip
OPENED, CHANGED, LATER = 1780329600123, 1780416000000, 1780444800000  # `date -d … +%s`: 1, 2 June 16:00Z, 3 June 00:00Z
UNVERIFIED = f"not verified since {RUN.started_at}: ec2 AccessDenied"
NEXT_DAY = "2026-06-02T16:00:00.000000Z"


class WithStatus(Compliance):  # type: ignore[misc]
    """With the attribute of schema 1.5.0 that the models lack."""

    status: str | None = None


# Of `account.type_id` in schema 1.5.0 (objects/account.json) those that are of a cloud: the models lack the latter two.
ACCOUNT_TYPES = {10: "AWS Account", 11: "GCP Project", 13: "Azure Subscription"}


class CloudAccount(Account):  # type: ignore[misc]
    """With the account types of schema 1.5.0."""

    type_id: Literal[10, 11, 13, 99]


class AnyCloud(Cloud):  # type: ignore[misc]
    """With the account types of schema 1.5.0."""

    account: CloudAccount


class OfCompliance(ComplianceFinding):  # type: ignore[misc]
    """With the cloud profile of schema 1.5.0, which the models lack for this class."""

    cloud: AnyCloud
    compliance: WithStatus


class OfDetection(DetectionFinding):  # type: ignore[misc]
    """With the cloud profile of schema 1.5.0 as it is for all classes."""

    cloud: AnyCloud


class Advisory(BaseModel):
    """What schema 1.5.0 requires of the object (objects/advisory.json), which the models lack."""

    uid: str


class Vulnerability(VulnerabilityDetails):  # type: ignore[misc]
    """With the attribute of schema 1.5.0 that the models lack."""

    advisory: Advisory | None = None


class OfVulnerability(AnyFinding):  # type: ignore[misc]
    """The class of 1.5.0 that the models lack (events/findings/vulnerability_finding.json), as far as we fill it.

    It extends `finding`, and requires `vulnerabilities`. Neither evidences nor remediation are attributes of it.
    """

    category_uid: Literal[2]
    category_name: str
    class_uid: Literal[2002]
    class_name: Literal["Vulnerability Finding"]
    type_uid: int
    type_name: str
    time: int
    vulnerabilities: list[Vulnerability]
    resources: list[ResourceDetails]
    cloud: AnyCloud


CLASSES: dict[int, Any] = {2002: OfVulnerability, 2003: OfCompliance, 2004: OfDetection}
TYPES: dict[int, Any] = {2003: ComplianceFindingTypeID, 2004: DetectionFindingTypeID}


def export(language: Language = "en", run: Run | None = RUN) -> Export:
    return Export("aozora", language, POLICIES, run, "0.1.0")


def ocsf(finding: Finding, given: Export | None = None) -> dict[str, Any]:
    (line,) = formats.writer("ocsf")([finding], given or export())
    event: dict[str, Any] = json.loads(line)
    assert_valid(line)
    return event


def assert_valid(line: str) -> None:
    """The models take the line and give back all of it: nothing is set that the schema does not know."""
    event = json.loads(line)
    class_, account = event["class_uid"], event["cloud"]["account"]
    assert CLASSES[class_].model_validate_json(line).model_dump(mode="json", exclude_unset=True) == event
    captions = [
        (ActivityID, event["activity_id"], event["activity_name"]),
        (ActivityID, event["activity_id"], event["type_name"].split(": ")[1]),
        (CategoryUID, event["category_uid"], event["category_name"]),
        (SeverityID, event["severity_id"], event["severity"]),
        (StatusID, event["status_id"], event["status"]),
    ]
    if class_ in TYPES:
        captions += [(ClassUID, class_, event["class_name"])]
        captions += [(TYPES[class_], event["type_uid"], event["type_name"].split(": ")[1])]
    if "compliance" in event:
        captions += [(ComplianceStatusID, event["compliance"]["status_id"], event["compliance"]["status"])]
    for enum, number, caption in captions:
        assert enum(number).name.replace("_", "") == caption.replace(" ", "")
    assert account["type"] == ACCOUNT_TYPES.get(account["type_id"], account["type"])
    assert event["type_name"].split(": ")[0] == event["class_name"]
    assert event["type_uid"] == class_ * 100 + event["activity_id"]  # as type_uid is defined
    assert event["metadata"]["version"] == OCSF_VERSION


def table(findings: list[Finding], given: Export | None = None) -> list[dict[str, str]]:
    text = "".join(formats.writer("csv")(findings, given or export()))
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_an_event_with_the_provider_s_name_is_valid() -> None:
    given = replace(export("ja"), provider=Text(en="Hinomi K.K.", ja="株式会社火の見"))
    assert ocsf(FINDING, given)["unmapped"] == {"service_provider": "株式会社火の見"}


def test_each_file_is_a_format() -> None:
    folder = Path(formats.__file__).parent
    assert formats.types() == sorted(file.stem for file in folder.glob("[a-z]*.py")) == ["csv", "jsonl", "ocsf"]
    with pytest.raises(KeyError):
        formats.writer("../html")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_finding_of_a_scanned_account_is_written_in_every_format(scanned: Home, language: Language) -> None:
    with scanned.tenant("aozora").read() as reader:
        found, run = list(reader.findings()), reader.last_run()
    given = export(language, run)
    lines = list(formats.writer("ocsf")(found, given))
    for line in lines:
        assert_valid(line)
    events = [json.loads(line) for line in lines]
    assert [e["finding_info"]["uid"] for e in events] == [f"aozora:{f.uid}" for f in found]
    assert len({e["metadata"]["uid"] for e in events}) == len(events) > 30
    assert {e["finding_info"]["title"] for e in events} == {POLICIES[f.policy].title.of(language) for f in found}
    rows = table(found, given)
    assert len(rows) == len(found)
    heading = {"en": "Recommended change", "ja": "推奨する対処"}[language]
    assert {row[heading] for row in rows} == {POLICIES[f.policy].fix.of(language) for f in found}
    raw = [json.loads(line) for line in formats.writer("jsonl")(found, given)]
    assert [one["uid"] for one in raw] == [f.uid for f in found]


# OCSF.


@pytest.mark.parametrize(
    ("state", "because", "unverified", "activity", "status", "compliance", "detail", "time"),
    [
        ("open", "", "", 1, 1, 3, None, OPENED),
        ("reopened", "", "", 2, 1, 3, "reopened", CHANGED),
        ("in_progress", "", "", 2, 2, 3, None, CHANGED),
        ("suppressed", "", "", 2, 3, 3, "exception x1", CHANGED),
        ("resolved", "passes", "", 3, 4, 1, "passes", CHANGED),
        ("resolved", "the resource is gone", "", 3, 4, 0, "the resource is gone", CHANGED),
        ("resolved", UNWATCHED, "", 3, 4, 0, UNWATCHED, CHANGED),
        ("open", "", RUN.started_at, 2, 1, 2, UNVERIFIED, LATER),
        ("reopened", "", RUN.started_at, 2, 1, 2, f"reopened; {UNVERIFIED}", LATER),
    ],
)  # fmt: skip
def test_a_finding_s_state_in_the_words_of_ocsf(
    state: State,
    because: str,
    unverified: str,
    activity: int,
    status: int,
    compliance: int,
    detail: str | None,
    time: int,
) -> None:
    finding = replace(
        FINDING,
        state=state,
        changed_at=FINDING.opened_at if state == "open" else NEXT_DAY,
        resolved_because=because,
        suppressed_by="x1" if state == "suppressed" else "",
        unverified_since=unverified,
        unverified_because="ec2 AccessDenied" if unverified else "",
    )
    event = ocsf(finding)
    assert (event["activity_id"], event["status_id"], event["compliance"]["status_id"]) == (
        activity,
        status,
        compliance,
    )
    assert (event.get("status_detail"), event["time"], event["finding_info"]["modified_time"]) == (detail, time, time)
    seen = event["finding_info"].get("last_seen_time")
    assert seen == (None if unverified or state == "resolved" else LATER)


def test_what_an_event_says() -> None:
    event, form = ocsf(FINDING), POLICIES[FINDING.policy]
    assert event["message"] == "open to all"
    assert event["metadata"] | {"uid": ""} == {
        "version": "1.5.0",
        "uid": "",
        "tenant_uid": "aozora",
        "profiles": ["cloud"],
        "product": {"name": "Hinomi", "vendor_name": "Hinomi", "version": "0.1.0", "lang": "en"},
    }
    info = event["finding_info"]
    assert (info["uid"], info["title"], info["desc"]) == (f"aozora:{FINDING.uid}", form.title.en, form.risk.en)
    assert (info["created_time"], info["first_seen_time"], info["analytic"]["uid"]) == (OPENED, OPENED, FINDING.policy)
    assert event["remediation"] == {"desc": form.fix.en}
    assert event["resources"] == [
        {
            "uid": FINDING.resource,
            "name": "bastion",
            "type": "aws.ec2.security-group",
            "cloud_partition": "aws-cn",
            "region": "cn-north-1",
        }
    ]
    assert (event["cloud"]["provider"], event["cloud"]["region"]) == ("AWS", "cn-north-1")
    assert event["cloud"]["account"]["uid"] == "012345678901"
    assert form.controls
    assert event["compliance"]["requirements"] == form.controls
    assert event["compliance"]["standards"] == sorted({control.split(":")[0] for control in form.controls})
    assert event["compliance"]["control"] == FINDING.policy
    assert event["evidences"] == [
        {"name": "tcp", "data": {"status": "fail", "message": "tcp is open"}},
        {"name": "udp", "data": {"status": "unknown", "reason": "why"}},
    ]
    assert ocsf(FINDING, export("ja"))["finding_info"]["title"] == form.title.ja


SECOND = replace(FINDING, sources=(Source("checkov:CKV_AWS_24", "fail"), Source("checkov:CKV_AWS_25", "pass")))


def test_a_finding_names_its_second_sources_also_where_they_disagree() -> None:
    assert ocsf(SECOND)["compliance"]["checks"] == [
        {"uid": "checkov:CKV_AWS_24", "status_id": 3, "status": "Fail"},
        {"uid": "checkov:CKV_AWS_25", "status_id": 1, "status": "Pass"},
    ]
    assert ocsf(SECOND)["compliance"]["status"] == "Fail", "ours stands"
    (line,) = formats.writer("jsonl")([SECOND], export())
    assert json.loads(line)["sources"] == [
        {"check": "checkov:CKV_AWS_24", "status": "fail"},
        {"check": "checkov:CKV_AWS_25", "status": "pass"},
    ]
    said: list[tuple[Language, str, str]] = [
        ("en", "Other checks", "checkov:CKV_AWS_24: fault found, checkov:CKV_AWS_25: no fault"),
        ("ja", "他ツールの判定", "checkov:CKV_AWS_24: 不備あり, checkov:CKV_AWS_25: 不備なし"),
    ]
    for language, heading, words in said:
        (row,) = table([SECOND], export(language))
        assert row[heading] == words
    assert "checks" not in ocsf(FINDING)["compliance"]


@pytest.mark.parametrize(
    ("category", "class_", "has", "has_not"),
    [
        ("posture", 2003, {"compliance", "evidences", "remediation"}, {"vulnerabilities"}),
        ("policy", 2003, {"compliance", "evidences", "remediation"}, {"vulnerabilities"}),
        ("threat", 2004, {"evidences", "remediation"}, {"compliance", "vulnerabilities"}),
        ("service", 2004, {"evidences", "remediation"}, {"compliance", "vulnerabilities"}),
        ("vulnerability", 2002, {"vulnerabilities"}, {"compliance", "evidences", "remediation"}),
    ],
)
def test_each_category_has_its_class(category: Category, class_: int, has: set[str], has_not: set[str]) -> None:
    for state, activity in (("open", 1), ("resolved", 3)):
        event = ocsf(replace(FINDING, category=category, state=state))
        assert (event["class_uid"], event["type_uid"]) == (class_, class_ * 100 + activity)
        assert has <= set(event)
        assert not has_not & set(event)


@pytest.mark.parametrize(
    ("policy", "named"), [("CVE-2021-44228", "cve"), ("GHSA-jfh8-c2jp-5v3q", "advisory"), ("CVE-x", "advisory")]
)
def test_a_vulnerability_is_the_id_that_it_was_found_by_and_nothing_that_is_not_known(policy: str, named: str) -> None:
    """One of `advisory`, `cve` and `cwe` has to be there (objects/vulnerability.json)."""
    event = ocsf(replace(FINDING, policy=policy, category="vulnerability"))
    assert event["vulnerabilities"] == [{named: {"uid": policy}, "title": "open to all"}]
    (known,) = ocsf(replace(FINDING, category="vulnerability"))["vulnerabilities"]
    assert known["remediation"] == {"desc": POLICIES[FINDING.policy].fix.en}


@pytest.mark.parametrize(
    ("kind", "scope", "type_id", "type_"),
    [
        ("aws.s3.bucket", "012345678901", 10, "AWS Account"),
        ("azure.storage.account", "8f0bd8c5-3a4e-4a11-9f5c-0a0a0a0a0a0a", 13, "Azure Subscription"),
        ("azure.entra.user", "8f0bd8c5-3a4e-4a11-9f5c-0b0b0b0b0b0b", 99, "Microsoft Entra tenant"),
        ("gcp.storage.bucket", "aozora-prod", 11, "GCP Project"),
        ("gcp.orgpolicy.policy", "organizations/123", 99, "Google Cloud organization"),
        ("gcp.orgpolicy.policy", "folders/123", 99, "Google Cloud folder"),
        ("kubernetes.core.pod", "6b1d8a0e-1f1c-4f0e-9a52-0c0c0c0c0c0c", 99, "Kubernetes cluster"),
    ],
)
def test_an_account_is_of_its_provider_s_type(kind: str, scope: str, type_id: int, type_: str) -> None:
    account = ocsf(replace(FINDING, kind=kind, scope=scope))["cloud"]["account"]
    assert account == {"uid": scope, "name": scope, "type_id": type_id, "type": type_}


def test_every_provider_and_every_directory_s_kind_has_an_account_type() -> None:
    directories = {type_.name for type_ in types_of(catalog(), "azure") if type_.of_directory}
    assert {kind for kind in catalog().kinds if kind.startswith("azure.entra.")} == directories
    assert len(directories) > 3
    for kind in catalog().kinds:
        assert "type_id" in ocsf(replace(FINDING, kind=kind, elements=()))["cloud"]["account"]


def test_a_finding_s_category_is_in_each_format_and_in_no_event_s_uid() -> None:
    uids = {ocsf(replace(FINDING, category=category))["metadata"]["uid"] for category in CATEGORIES}
    assert uids == {"ada0c3304e050ea19359a61bf0821878"}, "as before there were categories"
    for category in CATEGORIES:
        found = replace(FINDING, category=category)
        (line,) = formats.writer("jsonl")([found], export())
        assert json.loads(line)["category"] == category
        assert table([found])[0]["Category"] == CATEGORY_WORDS[category].en
        assert table([found], export("ja"))[0]["分類"] == CATEGORY_WORDS[category].ja


def test_what_is_not_known_is_left_out() -> None:
    event = ocsf(replace(FINDING, policy="own.x.gone", region="global", resource="name-only", elements=()))
    assert not {"remediation", "evidences", "status_detail", "unmapped"} & set(event)
    assert not {"standards", "requirements"} & set(event["compliance"])
    assert not {"region", "cloud_partition"} & (set(event["resources"][0]) | set(event["cloud"]))
    assert event["finding_info"]["title"] == "open to all"
    no_controls = next(form for form in POLICIES.values() if not form.controls)
    assert not {"standards", "requirements"} & set(ocsf(replace(FINDING, policy=no_controls.id))["compliance"])
    assert "desc" not in event["finding_info"]


def test_an_event_s_uid_stays_while_the_finding_does_and_is_the_tenant_s_own() -> None:
    def uid(finding: Finding, given: Export) -> str:
        return str(ocsf(finding, given)["metadata"]["uid"])

    same = uid(FINDING, export())
    assert uid(FINDING, export("ja", replace(RUN, id="r2", started_at="2026-06-04T00:00:00.000000Z"))) == same
    assert uid(replace(FINDING, state="in_progress"), export()) != same
    assert uid(FINDING, replace(export(), tenant="other")) != same


def test_what_was_opened_after_the_last_whole_scan_was_seen_then() -> None:
    for run in (None, replace(RUN, started_at="2026-05-01T00:00:00.000000Z")):
        assert ocsf(FINDING, export(run=run))["finding_info"]["last_seen_time"] == OPENED


# CSV.

texts = st.text() | st.builds(
    "".join, st.lists(st.sampled_from([*"=+-@\t\r\n\",;' a＝＋－＠\0", "\r\n", "\u3000", "\ufeff", "\u200b", "\u2066"]))
)


@given(texts, texts, texts)
@example('=HYPERLINK("https://example.com";"x")', "+1", "-1")  # as OWASP's page has them
@example("@SUM(1)", "\t=1", "\r\n=1")
@example(" =1+1", "\u3000＝1+1", '=1+2";=1+2')
@example("\u200b=1+1", "\u2060\u200d@SUM(1)", "\ufeff+1")
@example("\0=1", "harmless, = within", "'=1")
def test_every_text_comes_back_and_none_is_a_formula(name: str, resource: str, message: str) -> None:
    finding = replace(FINDING, name=name, resource=resource, message=Text(en=message, ja=message))
    text = "".join(formats.writer("csv")([finding], export()))
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True))
    assert [len(row) for row in rows] == [16, 16]
    assert text.endswith('"\r\n')
    for cell in rows[1]:
        assert cell[:1] not in tuple("=+-@\t\r\n\0＝＋－＠"), "OWASP: CSV Injection"
        assert re.sub(r"^[\s\u00ad\u200b-\u206f\ufeff]+", "", cell)[:1] not in tuple("=+-@＝＋－＠")
    for cell, given_ in ((rows[1][4], resource), (rows[1][5], name), (rows[1][9], message)):
        assert cell in (given_, f"'{given_}")
        assert cell == given_ or re.match(r"[\t\r\n\0]|[\s\u00ad\u200b-\u206f\ufeff]*[=+@＝＋－＠-]", given_), (
            "what is harmless is as it was"
        )


def test_the_file_is_as_excel_in_japan_reads_it() -> None:
    """The byte order mark; CR LF and quotes (RFC 4180, 2.1 and 2.6); no account that is taken for a number."""
    raw = "".join(formats.writer("csv")([FINDING], export("ja"))).encode()
    assert raw[:3] == b"\xef\xbb\xbf"
    lines = raw[3:].split(b"\r\n")
    assert (len(lines), lines[2]) == (3, b"")
    assert all(line.startswith(b'"') and line.endswith(b'"') for line in lines[:2])
    assert b'"0123-4567-8901"' in lines[1]


@pytest.mark.parametrize(
    ("language", "state", "severity", "first", "last", "header"),
    [
        ("en", "open", "High", "First seen (Japan time)", "Last seen (Japan time)", "State"),
        ("ja", "未対応", "高", "初回検出（日本時間）", "最終確認（日本時間）", "状態"),
    ],
)
def test_a_row_in_both_languages(
    language: Language, state: str, severity: str, first: str, last: str, header: str
) -> None:
    unverified = replace(FINDING, unverified_since=RUN.started_at, unverified_because="x", uid="2", resource="z")
    rows = table([unverified, FINDING], export(language))
    assert rows[0][header] == state
    assert rows[1][header] in ("open (not verified in the last scan)", "未対応（直近の診断では未確認）")
    assert severity in rows[0].values()
    assert (rows[0][first], rows[0][last]) == ("2026-06-02 01:00:00", "2026-06-03 09:00:00")
    assert rows[1][last] == "", "an unverified one was not seen"


def test_the_worst_come_first() -> None:
    findings = [replace(FINDING, severity=severity) for severity in SEVERITIES]
    assert [row["Severity"] for row in table(findings)] == ["Critical", "High", "Medium", "Low", "Informational"]


def test_every_word_of_a_state_and_a_severity_is_in_both_languages() -> None:
    def words() -> Iterator[Text]:
        yield from (*SEVERITY.values(), *STATE.values(), *SAID.values(), TEXTS["unverified"])

    headers = [list(table([FINDING], export(language))[0]) for language in LANGUAGES]
    assert not set(headers[0]) & set(headers[1])
    assert all(re.search(r"[ぁ-んァ-ン一-龠]", word) for word in [*headers[1], *(text.ja for text in words())])


@given(st.lists(st.sampled_from(["fail", "worse", "pass", "unknown", "accepted"]), min_size=2, max_size=8))
def test_what_becomes_of_a_finding_is_a_later_event_and_nothing_else_is_one(steps: list[str]) -> None:
    base = Verdict(
        policy=FINDING.policy, severity="high", kind=FINDING.kind, resource=FINDING.resource, name="bastion",
        scope=FINDING.scope, region=FINDING.region, status="fail", message=FINDING.message,
    )  # fmt: skip
    ways = {
        "fail": base,
        "accepted": base,
        "worse": replace(base, severity="critical"),
        "pass": replace(base, status="pass", message=None),
        "unknown": replace(base, status="unknown", message=None, reason="denied"),
    }
    finding: JudgedFinding | None = None
    events: list[tuple[Finding, dict[str, Any]]] = []
    for number, step in enumerate(steps):
        at = f"2026-06-{number + 1:02}T00:00:00.000000Z"
        finding, _ = advance(finding, ways[step], at, "x" if step == "accepted" else "")
        if finding:
            events.append((finding, ocsf(finding)))
    for (before, earlier), (after, later) in itertools.pairwise(events):
        assert (earlier["time"] < later["time"]) is (before != after)
        assert (earlier["metadata"]["uid"] != later["metadata"]["uid"]) is (before != after)
        assert later["activity_name"] != "Create" or before == after
