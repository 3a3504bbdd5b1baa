"""OCSF 1.5.0, a class of findings by what was found, with the cloud profile, one event a line (schema.ocsf.io).

What policies find is a Compliance Finding (2003), an advisory's a Vulnerability Finding (2002), all else a Detection
Finding (2004).

The event is the last thing that became of a finding, and its time is when that was. `metadata.uid` stays the same as
long as the finding does; when the finding was made stands in `finding_info`.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec import Struct

from catalog.policies import Described
from model.canonical import digest, parse_instant
from model.finding import Category, Element, Finding, Severity, Source, State
from reports.export import Export

_SCHEMA = "1.5.0"
_CATEGORY = (2, "Findings")


class _Value(Struct, frozen=True):
    """An enum's value: its number and its caption."""

    id: int
    caption: str


_COMPLIANCE = _Value(2003, "Compliance Finding")
_VULNERABILITY = _Value(2002, "Vulnerability Finding")
_DETECTION = _Value(2004, "Detection Finding")
_CLASS: dict[Category, _Value] = {
    "posture": _COMPLIANCE,
    "policy": _COMPLIANCE,
    "vulnerability": _VULNERABILITY,
    "threat": _DETECTION,
    "service": _DETECTION,
}
_CREATE, _UPDATE, _CLOSE = _Value(1, "Create"), _Value(2, "Update"), _Value(3, "Close")
_SEVERITY: dict[Severity, _Value] = {
    "informational": _Value(1, "Informational"),
    "low": _Value(2, "Low"),
    "medium": _Value(3, "Medium"),
    "high": _Value(4, "High"),
    "critical": _Value(5, "Critical"),
}
# OCSF knows no «reopened»: it is to be looked at like a new one, and `status_detail` says which it is.
_STATUS: dict[State, _Value] = {
    "open": _Value(1, "New"),
    "reopened": _Value(1, "New"),
    "in_progress": _Value(2, "In Progress"),
    "suppressed": _Value(3, "Suppressed"),
    "resolved": _Value(4, "Resolved"),
}
_UNKNOWN, _PASS, _WARNING, _FAIL = _Value(0, "Unknown"), _Value(1, "Pass"), _Value(2, "Warning"), _Value(3, "Fail")
_RULE = _Value(1, "Rule")
# `account.type_id`, by how kinds and scopes begin; the first that fits. The schema has no value for the others, whose
# type is then in the provider's words, as it asks of «Other».
_OTHER = 99
_ACCOUNTS: tuple[tuple[str, str, _Value], ...] = (
    ("aws.", "", _Value(10, "AWS Account")),
    ("azure.entra.", "", _Value(_OTHER, "Microsoft Entra tenant")),
    ("azure.", "", _Value(13, "Azure Subscription")),
    ("gcp.", "organizations/", _Value(_OTHER, "Google Cloud organization")),
    ("gcp.", "folders/", _Value(_OTHER, "Google Cloud folder")),
    ("gcp.", "", _Value(11, "GCP Project")),
    ("kubernetes.", "", _Value(_OTHER, "Kubernetes cluster")),
)
_CVE = re.compile("CVE-[0-9]{4}-[0-9]{4,}")  # as cve.org numbers them


def write(findings: Iterable[Finding], export: Export) -> Iterator[str]:
    """Yield one event for each finding."""
    for finding in findings:
        yield msgspec.json.encode(event(finding, export)).decode() + "\n"


def event(finding: Finding, export: Export) -> dict[str, Any]:
    """Return a finding as an event; what is not known is left out."""
    activity, status, severity = _activity(finding), _STATUS[finding.state], _SEVERITY[finding.severity]
    class_, form = _CLASS[finding.category], export.policies.get(finding.policy)
    made: dict[str, Any] = {
        "activity_id": activity.id,
        "activity_name": activity.caption,
        "category_uid": _CATEGORY[0],
        "category_name": _CATEGORY[1],
        "class_uid": class_.id,
        "class_name": class_.caption,
        "type_uid": class_.id * 100 + activity.id,
        "type_name": f"{class_.caption}: {activity.caption}",
        "time": _changed(finding),
        "severity_id": severity.id,
        "severity": severity.caption,
        "status_id": status.id,
        "status": status.caption,
        "message": finding.message.of(export.language),
        "metadata": _metadata(finding, export),
        "finding_info": _finding_info(finding, form, export),
        "resources": [_resource(finding)],
        "cloud": _cloud(finding),
    }
    made |= _of_vulnerability(finding, form, export) if class_ is _VULNERABILITY else _of_others(finding, form, export)
    if class_ is _COMPLIANCE:
        made["compliance"] = _compliance(finding, form)
    if detail := _status_detail(finding):
        made["status_detail"] = detail
    if export.provider:  # the schema has a name for the product's vendor only
        made["unmapped"] = {"service_provider": export.provider.of(export.language)}
    return made


def _of_others(finding: Finding, form: Described | None, export: Export) -> dict[str, Any]:
    """Return what the schema has for all but vulnerabilities: what to do, and what was seen."""
    made: dict[str, Any] = {"remediation": {"desc": form.fix.of(export.language)}} if form else {}
    if finding.elements:
        made["evidences"] = [{"name": element.key, "data": _evidence(element, export)} for element in finding.elements]
    return made


def _of_vulnerability(finding: Finding, form: Described | None, export: Export) -> dict[str, Any]:
    """Return the least that the schema takes as a vulnerability: one of `advisory`, `cve` and `cwe`, by its id.

    A finding has the id of what it was found by, and no packages, versions or scores.
    """
    named = "cve" if _CVE.fullmatch(finding.policy) else "advisory"
    made: dict[str, Any] = {
        named: {"uid": finding.policy},
        "title": (form.title if form else finding.message).of(export.language),
    }
    if form:
        made["remediation"] = {"desc": form.fix.of(export.language)}
    return {"vulnerabilities": [made]}


def _activity(finding: Finding) -> _Value:
    if finding.state == "resolved":
        return _CLOSE
    return _CREATE if finding.state == "open" and _changed(finding) == _milliseconds(finding.opened_at) else _UPDATE


def _status_detail(finding: Finding) -> str:
    """Return what the status does not say: why it is resolved, suppressed or not verified, or that it was reopened."""
    said = {
        "resolved": finding.resolved_because,
        "suppressed": f"exception {finding.suppressed_by}",
        "reopened": "reopened",
    }.get(finding.state, "")
    unverified = f"not verified since {finding.unverified_since}: {finding.unverified_because}"
    return "; ".join(filter(None, (said, unverified if finding.unverified_since else "")))


def _metadata(finding: Finding, export: Export) -> dict[str, Any]:
    return {
        "version": _SCHEMA,
        "uid": digest(export.tenant, _what_changes(finding)),
        "tenant_uid": export.tenant,
        "profiles": ["cloud"],
        "product": {"name": "Hinomi", "vendor_name": "Hinomi", "version": export.version, "lang": export.language},
    }


def _what_changes(finding: Finding) -> dict[str, Any]:
    """Return a finding without its category, which never changes: ids of events are those of before there was one."""
    return {name: getattr(finding, name) for name in finding.__struct_fields__ if name != "category"}


def _finding_info(finding: Finding, form: Described | None, export: Export) -> dict[str, Any]:
    title = form.title if form else finding.message
    info: dict[str, Any] = {
        "uid": f"{export.tenant}:{finding.uid}",  # a finding's own uid is distinct within its tenant only
        "title": title.of(export.language),
        "created_time": _milliseconds(finding.opened_at),
        "first_seen_time": _milliseconds(finding.opened_at),
        "modified_time": _changed(finding),
        "analytic": {
            "type_id": _RULE.id,
            "type": _RULE.caption,
            "uid": finding.policy,
            "name": title.of(export.language),
        },
    }
    if form:
        info["desc"] = form.risk.of(export.language)
    if last_seen := export.last_seen(finding):
        info["last_seen_time"] = _milliseconds(last_seen)
    return info


def _compliance(finding: Finding, form: Described | None) -> dict[str, Any]:
    status = _compliance_status(finding)
    made: dict[str, Any] = {"control": finding.policy, "status_id": status.id, "status": status.caption}
    if form and form.controls:
        made["standards"] = sorted({control.partition(":")[0] for control in form.controls})
        made["requirements"] = list(form.controls)
    if finding.sources:
        made["checks"] = [_check(source) for source in finding.sources]
    return made


def _check(source: Source) -> dict[str, Any]:
    """Return what a second source says: the event's own status is our policy's, also where the two disagree."""
    status = _PASS if source.status == "pass" else _FAIL
    return {"uid": source.check, "status_id": status.id, "status": status.caption}


def _compliance_status(finding: Finding) -> _Value:
    """Return how the last judgement ended: what has gone, or is no longer looked at, neither passed nor failed."""
    if finding.state == "resolved":
        return _PASS if finding.resolved_because == "passes" else _UNKNOWN
    return _WARNING if finding.unverified_since else _FAIL


def _resource(finding: Finding) -> dict[str, Any]:
    made = {"uid": finding.resource, "name": finding.name, "type": finding.kind}
    if finding.resource.startswith("arn:"):
        made["cloud_partition"] = finding.resource.split(":")[1]
    return made | _region(finding)


def _cloud(finding: Finding) -> dict[str, Any]:
    # The account's own name is not read. The schema recommends one and py-ocsf-models insists on it: its number.
    account: dict[str, Any] = {"uid": finding.scope, "name": finding.scope}
    begins = (
        type_ for kind, scope, type_ in _ACCOUNTS if finding.kind.startswith(kind) and finding.scope.startswith(scope)
    )
    if type_ := next(begins, None):
        account |= {"type_id": type_.id, "type": type_.caption}
    return {"provider": finding.kind.split(".")[0].upper(), "account": account} | _region(finding)


def _region(finding: Finding) -> dict[str, Any]:
    return {} if finding.region == "global" else {"region": finding.region}


def _evidence(element: Element, export: Export) -> dict[str, str]:
    said = {"status": element.status, "reason": element.reason}
    if element.message:
        said["message"] = element.message.of(export.language)
    return {name: text for name, text in said.items() if text}


def _changed(finding: Finding) -> int:
    return _milliseconds(max(finding.changed_at, finding.unverified_since, finding.updated_at))


def _milliseconds(moment: str) -> int:
    """Return a moment as OCSF's timestamp_t: milliseconds since 1970, cut off."""
    return int(parse_instant(moment).timestamp() * 1000)
