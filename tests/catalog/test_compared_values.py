"""Each text that a policy compares a field of a cloud with is a value which that field can have."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from catalog.policies import compile_policy
from catalog.yaml_reader import parse
from tests.catalog.compared_values import Compared, Field, compared_by, spelling, values_of
from tests.recorded_clouds import catalog, types_of

PROVIDERS = ("aws", "azure", "gcp")
TYPES: dict[str, Any] = {type_.name: type_ for type_ in types_of(catalog(), "aws")}
COMPARED = {policy.id: compared_by(policy) for policy in catalog().policies if policy.provider in PROVIDERS}
DATA = Path(__file__).parent.parent / "data"
STATED: dict[str, dict[str, Any]] = {
    provider: yaml.safe_load((DATA / f"{provider}-values.yaml").read_text(encoding="utf-8")) for provider in PROVIDERS
}
# What stands for a value that is not there, and what the signs of secrets are called: no values of a cloud's.
OURS = frozenset({"", "-", "?", "~", "more", "nic", "primary"})

POLICY = """
id: aws.kms.made-up
kind: aws.kms.key
severity: low
title: {en: a, ja: あ}
risk: {en: a, ja: あ}
fix: {en: a, ja: あ}
effort_hours: 1
pass: '%s'
cases: {pass: [{r: {}}], fail: [{r: {}}]}
"""


def stated(field: Field) -> dict[str, Any]:
    provider = field.kind.split(".", 1)[0]
    return dict(STATED[provider].get(f"{field.kind} {field.path}", {}))


def known(field: Field) -> frozenset[str]:
    values = frozenset(stated(field).get("values", []))
    return values | values_of(TYPES[field.kind], field.path) if field.kind in TYPES else values


def foreign(texts: set[str], values: frozenset[str], spelled: bool) -> set[str]:
    spell = spelling if spelled else str
    return {text for text in texts - OURS if spell(text) not in set(map(spell, values))}


def foreign_texts(compared: Compared) -> dict[str, set[str]]:
    found = {
        f"{field.kind} {field.path}": foreign(texts, known(field), field.spelled)
        for field, texts in compared.texts.items()
    }
    return {field: texts for field, texts in found.items() if texts}


def to_be_sorted(field: Field) -> set[str]:
    """Return a field's values but for those that are meant to stay unknown, as Google's word for none is."""
    meant = stated(field).get("unknown", [])
    return {value for value in known(field) if value not in meant and not value.endswith("_UNSPECIFIED")}


def unsorted_values(compared: Compared) -> dict[str, set[str]]:
    found = {
        field.path: foreign(to_be_sorted(field), frozenset(texts), field.spelled)
        for field, texts in compared.sorted.items()
    }
    return {field: texts for field, texts in found.items() if texts}


@pytest.mark.parametrize("identity", COMPARED)
def test_a_compared_text_is_a_value_of_the_field(identity: str) -> None:
    """Where this fails, the value is misspelt, or its source has to be named in the table of values."""
    assert foreign_texts(COMPARED[identity]) == {}


@pytest.mark.parametrize("identity", COMPARED)
def test_every_value_of_a_field_is_sorted_where_some_are(identity: str) -> None:
    assert unsorted_values(COMPARED[identity]) == {}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_each_stated_value_is_compared_and_has_a_source(provider: str) -> None:
    compared = {f"{field.kind} {field.path}" for one in COMPARED.values() for field in one.texts}
    assert STATED[provider].keys() - compared == set()
    assert all(row["source"] and set(row.get("unknown", [])) <= set(row["values"]) for row in STATED[provider].values())


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        ('r.Metadata.KeyState == "Deleting"', {"Deleting"}),
        ('!(r.Metadata.KeyState in ["Enabled", "enabled"])', {"enabled"}),
        ('r.Metadata.?Origin.orValue("KMS") == "AWS_KMS"', {"KMS"}),
        ('r.Metadata.KeyState.lowerAscii() == "enabled"', set()),
        ('cel.bind(m, r.Metadata, m.KeyState == "Off")', {"Off"}),
        ('[r.Metadata.KeyState].exists(s, s == "Off")', {"Off"}),
    ],
)
def test_what_no_reply_has_is_found(source: str, texts: set[str]) -> None:
    policy = compile_policy(parse((POLICY % source).encode(), "x.yaml"))
    assert set().union(*foreign_texts(compared_by(policy)).values()) == texts


@pytest.mark.parametrize(
    ("kind", "source", "left"),
    [
        ("aws.kms.key", 'one_of(r.Metadata.KeyManager, ["AWS"], ["Nobody"])', {"Metadata.KeyManager": {"CUSTOMER"}}),
        ("gcp.iam.service-account-key", 'one_of(r.keyType, ["USER_MANAGED"], [])', {"keyType": {"SYSTEM_MANAGED"}}),
        (
            "azure.web.site",
            'one_of(r.identity.type.lowerAscii(), ["none", "userassigned"], ["systemassigned"])',
            {"identity.type": {"SystemAssigned, UserAssigned"}},
        ),
    ],
)
def test_what_is_left_unsorted_is_found(kind: str, source: str, left: dict[str, set[str]]) -> None:
    text = POLICY.replace("kind: aws.kms.key", f"kind: {kind}") % source
    assert unsorted_values(compared_by(compile_policy(parse(text.encode(), "x.yaml")))) == left
