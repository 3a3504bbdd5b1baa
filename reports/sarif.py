"""Findings in templates as SARIF 2.1.0 (OASIS), for code hosts and editors."""

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from model.finding import Severity
from model.template import TemplateFinding
from model.text import Language

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: dict[Severity | None, str] = {"critical": "error", "high": "error", "medium": "warning", None: "warning"}


def write(found: Sequence[TemplateFinding], unread: Iterable[str], language: Language, version: str) -> str:
    """Return what was found as one run in SARIF; each `unread` file is a notification of the run.

    Texts are in the language; the version is the program's.
    """
    rules = {one.policy: one for one in found}
    order = {policy: number for number, policy in enumerate(sorted(rules))}
    notes = [{"level": "error", "message": {"text": text}} for text in unread]
    driver = {
        "name": "Hinomi",
        "version": version,
        "rules": [_rule(rules[policy], language) for policy in order],
    }
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": not notes, "toolExecutionNotifications": notes}],
        "results": [_result(one, order[one.policy], language) for one in found],
        "columnKind": "unicodeCodePoints",
    }
    return msgspec.json.encode({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}).decode()


def _rule(one: TemplateFinding, language: Language) -> dict[str, Any]:
    return {
        "id": one.policy,
        "shortDescription": {"text": one.title.of(language)},
        "defaultConfiguration": {"level": _level(one)},
        "properties": {"tags": [f"checkov:{one.check}"]},
    }


def _result(one: TemplateFinding, rule: int, language: Language) -> dict[str, Any]:
    region = {"startLine": one.line, "endLine": max(one.line, one.end_line)}
    place = {"artifactLocation": {"uri": quote(one.file)}, "region": region}
    return {
        "ruleId": one.policy,
        "ruleIndex": rule,
        "level": _level(one),
        "message": {"text": f"{one.title.of(language)}: {one.resource}"},
        "locations": [{"physicalLocation": place, "logicalLocations": [{"name": one.resource, "kind": "resource"}]}],
        "partialFingerprints": {"policyAndResource/v1": f"{one.policy}:{one.file}:{one.resource}"},
    }


def _level(one: TemplateFinding) -> str:
    return _LEVELS.get(one.severity, "note")
