"""Detectors as one: a policy that waits for the end has its second source as one that does not."""

import json

import pytest

from catalog.checkov import load as adopted_checks
from catalog.folder import config_folder
from catalog.policies import Policy, compile_policy
from catalog.yaml_reader import parse
from detectors.checkov.checkov import Checkov
from detectors.panel import Panel
from detectors.posture.judge import Moment
from detectors.posture.posture import Posture
from model.asset import Asset, Listing, Place
from model.finding import Source
from tests.conftest import MovingClock

(ADOPTED,) = (one for one in adopted_checks(config_folder() / "checkov") if one.form.check == "CKV_AWS_28")
BODY = ADOPTED.form.cases.fail[0]
OURS = ADOPTED.form.also or ""
TABLE = Asset(ADOPTED.form.kinds[0], "arn:table", "table", "1", "global", BODY, "")
PLACE = Place("1", "1", "arn:aws:iam::1:root", "aws", ())
POLICY = """\
id: {id}
kind: {kind}
severity: high
title: {{en: t, ja: 題}}
risk: {{en: r, ja: 危}}
fix: {{en: f, ja: 直}}
effort_hours: 1
{others}pass: "false"
cases: {{pass: [{{r: {{}}}}], fail: [{{r: {{}}}}]}}
"""


class Failing:
    """Answers as checkov does of what is at fault."""

    spent = 0.0

    def ready(self) -> None: ...

    def ask(self, question: bytes, seconds: float) -> bytes:
        asked = json.loads(question)["judge"]
        return json.dumps({"statuses": [["FAILED"] * len(one["checks"]) for one in asked]}).encode()


def policy(others: str) -> Policy:
    text = POLICY.format(id=OURS, kind=TABLE.kind, others=others)
    return compile_policy(parse(text.encode(), "p.yaml"))


@pytest.mark.parametrize(
    "others", ["", f"with: {{neighbours: {{all: {TABLE.kind}}}}}\n"], ids=["at once", "at the end"]
)
def test_our_verdict_has_its_second_source_whenever_it_is_known(others: str) -> None:
    ours = policy(others)
    panel = Panel(Posture([ours], Moment(MovingClock().now())), Checkov([ADOPTED], Failing(), [ours]))
    said = {verdict.policy: verdict for verdict in (*panel.see(TABLE), *panel.end())}
    assert said[OURS].sources == (Source("checkov:CKV_AWS_28", "fail"),)
    assert said[ADOPTED.id].reason == f"left to {OURS}; checkov says fail"


def test_a_listing_that_failed_is_unknown_for_each_detector() -> None:
    ours = policy("")
    panel = Panel(Posture([ours], Moment(MovingClock().now())), Checkov([ADOPTED], Failing(), [ours]))
    said = panel.hear(Listing("1", TABLE.kind, "global", "AccessDenied"), PLACE)
    assert {(verdict.policy, verdict.status) for verdict in said} == {(OURS, "unknown"), (ADOPTED.id, "unknown")}
