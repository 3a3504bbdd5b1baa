"""Onboarding of AWS customers: templates and a guide for them."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from string import Template

from msgspec import Struct

from catalog.form import convert
from catalog.yaml_reader import read
from collectors.aws import permissions
from collectors.aws.permissions import Trust
from collectors.aws.resource_types import ResourceType
from model.service_provider import provided_by
from model.tenant import Tenant
from model.text import LANGUAGES, Text


class Steps(Struct, frozen=True, forbid_unknown_fields=True):
    """How roles are created, for one account and for an organisation."""

    account: Text
    organization: Text


def documents(
    tenant: Tenant,
    types: Sequence[ResourceType],
    trust: Trust,
    config: Path,
    organization: bool,
    provider: Text | None = None,
) -> dict[str, str]:
    """Return by file name what the tenant gets: a template, and the guide in both languages.

    The template lets `trust` read the types, in one account, or in all of an `organization`; texts are read from
    `config`. All carry the name of the provider where there is one (Article 1(1)).
    """
    made = permissions.organization(types, trust) if organization else permissions.cloudformation(types, trust)
    if provider:  # the console shows it where the stack is created
        made["Description"] = f"{made['Description']}. {provided_by(provider, 'en')}"
    name = "organization.json" if organization else "role.json"
    found = {name: json.dumps(made, indent=2) + "\n"}
    steps: Steps = convert(read(config / "onboarding" / "steps.yaml"), Steps)
    chosen = steps.organization if organization else steps.account
    texts: dict[str, Text] = convert(read(config / "onboarding" / "options.yaml"), dict[str, Text])
    details = (detail for type_ in types for detail in type_.form.details.values())
    beyond = sorted({detail.capability for detail in details if detail.capability})
    for language in LANGUAGES:
        guide = Template((config / "onboarding" / f"aws.{language}.md").read_text(encoding="utf-8"))
        found[f"guide.{language}.md"] = guide.substitute(
            name=_as_text(tenant.name.of(language)),
            provider=f"{_as_text(line)}\n\n" if (line := provided_by(provider, language)) else "",
            service="Hinomi",
            actions=len(permissions.policy_document(types)["Statement"][0]["Action"]),
            principal=trust.principal,
            steps=chosen.of(language).strip(),
            more="".join(f"- {texts[capability].of(language)}\n" for capability in beyond),
        )
    return found


def _as_text(text: str) -> str:
    """Return a text that no reader of Markdown takes for markup (CommonMark, 2.4)."""
    return re.sub(r"[\\`*_\[\]<>&#|~]", r"\\\g<0>", text)
