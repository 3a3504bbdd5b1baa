"""The roles for changes: in the form that each cloud takes, and what the playbooks need in them, nothing more."""

from collections.abc import Iterable
from typing import Any

import pytest

from pipeline.providers import registry
from pipeline.providers.provider import provider_of
from remediation.playbook import playbooks

PROVIDERS = [provider.name for provider in registry.PROVIDERS]


def role(provider: str, needs: Iterable[str]) -> dict[str, Any]:
    permissions = provider_of(provider, registry.PROVIDERS).permissions
    assert permissions is not None
    return permissions.change_role(needs)


def needs_of(provider: str) -> set[str]:
    return {need for one in playbooks().values() if one.id.split(".")[0] == provider for need in one.needs}


def allowed(provider: str, made: dict[str, Any]) -> list[str]:
    """Return what a role allows, in the words of the playbooks, as its cloud reads it."""
    match provider:
        case "aws":
            (statement,) = made["Statement"]
            assert (statement["Effect"], statement["Resource"]) == ("Allow", "*")
            return list(statement["Action"])
        case "azure":
            assert (made["NotActions"], made["DataActions"], made["IsCustom"]) == ([], [], True)
            return list(made["Actions"])
        case "gcp":
            return list(made["includedPermissions"])
    own, *rules = made["rules"]
    assert own == {"apiGroups": [""], "resources": ["namespaces"], "resourceNames": ["kube-system"], "verbs": ["get"]}
    return [
        f"{verb} {plural}{f'.{group}' if group else ''}"
        for rule in rules
        for group in rule["apiGroups"]
        for plural in rule["resources"]
        for verb in rule["verbs"]
    ]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_role_allows_what_the_playbooks_need_and_nothing_more(provider: str) -> None:
    needs = needs_of(provider)
    assert needs, "there is no playbook"
    assert sorted(allowed(provider, role(provider, needs))) == sorted(needs)
    one = min(needs)
    assert allowed(provider, role(provider, [one, one])) == [one]


def test_resources_of_other_api_groups_are_named_by_them() -> None:
    """Kubernetes writes them so itself: deployments.apps."""
    rules = role("kubernetes", ["patch deployments.apps", "get deployments.apps", "patch serviceaccounts"])["rules"]
    assert rules[1:] == [
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "patch"]},
        {"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["patch"]},
    ]


def test_no_role_allows_everything() -> None:
    assert not [need for provider in PROVIDERS for need in needs_of(provider) if "*" in need]
