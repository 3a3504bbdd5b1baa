"""Every policy's own cases, and what must hold for all policies and types."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from catalog.folder import config_folder
from catalog.policies import Policy
from clouds.aws.service_models import operation
from detectors.posture import cases
from detectors.posture.judge import Moment, judge
from model.asset import Asset
from model.text import LANGUAGES, Text
from pipeline.assembly import assemble
from tests.recorded_clouds import catalog, types_of

POLICY_IDS = sorted(
    ".".join(file.relative_to(config_folder() / "policies").with_suffix("").parts)
    for file in (config_folder() / "policies").rglob("*.yaml")
)


def policy(identity: str) -> Policy:
    return next(p for p in catalog().policies if p.id == identity)


@pytest.mark.parametrize("identity", POLICY_IDS)
def test_cases_are_judged_as_their_author_expects(identity: str) -> None:
    assert list(cases.faults(policy(identity), catalog().kinds)) == []


@pytest.mark.parametrize("identity", POLICY_IDS)
def test_texts_exist_in_both_languages_and_differ(identity: str) -> None:
    form = policy(identity).form
    texts: list[Text] = [form.title, form.risk, form.fix, *([form.message] if form.message else [])]
    for text in texts:
        assert all(text.of(language).strip() for language in LANGUAGES)
        assert any(ord(character) > 0x2FFF for character in text.ja), f"no Japanese: {text.ja}"
        assert all(ord(character) < 0x3000 for character in text.en), f"no English: {text.en}"


PROMISES = ("guarantee", "ensures that", "100%", "保証", "必ず", "完全に防")


@pytest.mark.parametrize("identity", POLICY_IDS)
def test_no_text_promises_anything(identity: str) -> None:
    # Terms of service, Article 10: no text promises or guarantees.
    form = policy(identity).form
    said = " ".join(t.of(language) for t in (form.title, form.risk, form.fix) for language in LANGUAGES)
    assert not [promise for promise in PROMISES if promise in said.lower()]


def test_there_are_at_least_ninety_policies_and_thirty_five_types() -> None:
    severe = [p for p in catalog().policies if p.form.severity in ("critical", "high")]
    assert len(catalog().policies) >= 90
    assert len(severe) >= 60
    assert len(types_of(catalog(), "aws")) >= 35
    assert sum(t.form.one is True for t in types_of(catalog(), "aws")) >= 3


def test_a_peers_check_is_the_same_as_policies_of_different_kinds_only() -> None:
    """Two policies may share a name only where a peer judges two kinds by one check."""
    seen: dict[tuple[str, str], str] = {}
    for p in catalog().policies:
        for name in p.form.same_as:
            assert (name, p.form.kind) not in seen, f"{p.id} and {seen.get((name, p.form.kind))} both claim {name}"
            seen[name, p.form.kind] = p.id


def test_policies_on_alarms_differ_only_in_what_they_wait_for() -> None:
    alarms = [p.form for p in catalog().policies if p.id.startswith("aws.cloudwatch.no-alarm-for-")]
    assert len(alarms) == 15
    assert len({form.pass_ for form in alarms}) == 1
    assert len({form.settings["pattern"] for form in alarms}) == len({form.title.ja for form in alarms}) == 15


def test_policies_on_alerts_differ_only_in_what_they_wait_for() -> None:
    alerts = [p.form for p in catalog().policies if p.id.startswith("gcp.logging.no-alert-for-")]
    assert len(alerts) == 8
    assert len({form.pass_ for form in alerts}) == 1
    assert len({form.settings["query"] for form in alerts}) == len({form.title.ja for form in alerts}) == 8


@pytest.mark.parametrize("identity", POLICY_IDS)
def test_japanese_texts_have_full_width_parentheses_only(identity: str) -> None:
    form = policy(identity).form
    for text in (form.title, form.risk, form.fix, *([form.message] if form.message else [])):
        said = re.sub(r"\{\{.*?\}\}", "", text.ja, flags=re.DOTALL)  # expressions are not said
        assert not re.search("[()]", said), text.ja


def test_no_details_operation_writes() -> None:
    reading = ("Get", "List", "Describe", "BatchGet", "GenerateCredentialReport")
    for type_ in types_of(catalog(), "aws"):
        form = type_.form
        ops = [detail.op for detail in form.details.values()]
        if form.listing:
            ops += [op for op, _ in form.listing.operations()]
        for op in ops:
            assert operation(form.service, op).name.startswith(reading), f"{form.kind}: {op}"


def test_a_new_type_and_policy_are_two_new_files(tmp_path: Path) -> None:
    """What is dropped into the folders is there; nothing else is edited."""
    types, config = tmp_path / "collectors" / "aws" / "types", tmp_path / "config"
    (types / "dynamodb").mkdir(parents=True)
    (config / "policies" / "aws" / "dynamodb").mkdir(parents=True)
    (types / "dynamodb" / "table.yaml").write_text(
        "kind: aws.dynamodb.table\nservice: dynamodb\nscope: region\n"
        "list: {op: list_tables, rows: TableNames, as: TableName}\n"
        'arn: "arn:$partition:dynamodb:$region:$account:table/$TableName"\nname: $TableName\n'
        "details: {Table: {op: describe_table, args: {TableName: $TableName}, get: Table}}\n"
    )
    (config / "policies" / "aws" / "dynamodb" / "deletion-protection-off.yaml").write_text(
        "id: aws.dynamodb.deletion-protection-off\nkind: aws.dynamodb.table\nseverity: medium\neffort_hours: 0.1\n"
        "title: {en: DynamoDB table can be deleted, ja: 削除保護が無効}\nrisk: {en: r, ja: 危}\nfix: {en: f, ja: 直}\n"
        "pass: r.Table.?DeletionProtectionEnabled.orValue(false)\n"
        "cases: {pass: [{r: {Table: {DeletionProtectionEnabled: true}}}], fail: [{r: {Table: {}}}]}\n"
    )
    made = assemble(config, types=tmp_path / "collectors")
    assert [p.id for p in made.policies] == ["aws.dynamodb.deletion-protection-off"]
    assert list(cases.faults(made.policies[0], made.kinds)) == []
    assert [t.kind.name for t in made.every_type] == ["aws.dynamodb.table"]


LINED: dict[str, Callable[[list[Any]], dict[str, Any]]] = {
    "aws.autoscaling.user-data-holds-secret": lambda found: {"UserData": found},
    "aws.codebuild.build-commands-hold-secret": lambda found: {"source": {"buildspec": found}},
}


@pytest.mark.parametrize("identity", LINED)
def test_lines_are_reported_in_their_order_and_what_was_not_kept_comes_last(identity: str) -> None:
    body = LINED[identity]([*({"line": number, "looks_like": "named"} for number in (9, 10, 100)), {"more": 7}])
    asset = Asset(
        kind=policy(identity).form.kind, resource="x", name="x", scope="1", region="x", body=body, body_hash=""
    )
    verdict = judge(policy(identity), asset, {}, Moment(now=datetime(2026, 1, 1, tzinfo=UTC)))
    reported = [element.message for element in verdict.elements if element.message]
    for text, line in zip(reported, (9, 10, 100), strict=False):
        assert text.en.endswith(f"line {line}: assigns to a name that suggests a secret")
        assert text.ja.endswith(f"の{line}行目（秘密情報を示す名前への代入）")
    assert [text.en[-12:] for text in reported[3:]] == ["7 more lines"]
    assert [text.ja[-4:] for text in reported[3:]] == ["ほか7行"]
