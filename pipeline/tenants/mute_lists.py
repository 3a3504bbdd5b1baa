"""Prowler's mute lists, as exceptions of ours: what cannot be said in ours is left out, by name."""

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from catalog.form import convert
from catalog.policies import Policy
from catalog.yaml_reader import Document, read
from model.fault import Fault
from model.suppression import Suppression

_LITERAL = re.compile(r"[\w .:/@+=,*-]+")


class MutedCheck(Struct, frozen=True, rename="pascal"):
    """One check of one account: which resources, where, and what the list says of it."""

    regions: list[str] = field(default_factory=lambda: ["*"])
    resources: list[str] = field(default_factory=lambda: ["*"])
    description: str = ""
    tags: list[str] | None = None
    exceptions: dict[str, Any] | None = None


class Account(Struct, frozen=True, rename="pascal"):
    """One account's entries by check."""

    checks: dict[str, MutedCheck | None]


class Accounts(Struct, frozen=True, rename="pascal"):
    """The list itself."""

    accounts: dict[str, Account]


class File(Struct, frozen=True, rename="pascal"):
    """A mute list as Prowler reads it."""

    mutelist: Accounts


class Grant(Struct, frozen=True):
    """Who grants what is imported, why, and until when; the reason counts where the list gives none."""

    author: str
    reason: str
    created_at: str
    expires_at: str


def load(file: Path, policies: Sequence[Policy], grant: Grant) -> tuple[list[Suppression], list[Fault]]:
    """Return a file's exceptions, and what of it is left out with the place and the reason.

    The grant is what all of them have in common; checks are looked up among the policies. A name is exact here, where
    Prowler takes it for a regular expression that may match anywhere: less is suppressed than there, never more. Raises
    `Refused` for a file that is no mute list.
    """
    document = read(file)
    listed: File = convert(document, File)
    found: dict[tuple[str, ...], Suppression] = {}
    left: list[Fault] = []
    for account, checks in listed.mutelist.accounts.items():
        for check, entry in checks.checks.items():
            place = ("Mutelist", "Accounts", account, "Checks", check)
            problem = _problem(entry or MutedCheck(), account, check, policies)
            if problem:
                left.append(document.fault(place, problem))
                continue
            for one in _suppressions(account, _policies(check, policies), entry or MutedCheck(), grant):
                found.setdefault((one.policy, one.scope, one.region, one.resource), one)  # the same may stand twice
            left += _left_over(document, place, entry or MutedCheck())
    return list(found.values()), left


def _problem(entry: MutedCheck, account: str, check: str, policies: Sequence[Policy]) -> str:
    if entry.tags:
        return (
            "left out: tags of the customer's account suppress nothing here; tag our own records (`hinomi assets tag`)"
        )
    if any((entry.exceptions or {}).values()):
        return "left out: it has exceptions of its own; grant what is left of it by hand"
    if check == "*" and account == "*":
        return "left out: it names neither a check nor an account"
    if any("*" in region and region != "*" for region in entry.regions) or ("*" in account and account != "*"):
        return "left out: patterns of regions and accounts; write them one by one"
    if check != "*" and not _policies(check, policies):
        return "left out: no policy here is the same as that check"
    return ""


def _policies(check: str, policies: Sequence[Policy]) -> list[str]:
    """Return our policies for a check's name, which may hold `*`; the empty text stands for all of them."""
    if check == "*":
        return [""]
    return [p.id for p in policies if any(fnmatchcase(name, f"prowler:{check}") for name in p.form.same_as)]


def _suppressions(account: str, policies: list[str], entry: MutedCheck, grant: Grant) -> Iterator[Suppression]:
    for policy in policies:
        for region in entry.regions:
            for resource in filter(None, map(_pattern, entry.resources)):
                yield Suppression(
                    id="",
                    reason=entry.description.strip() or grant.reason,
                    author=grant.author,
                    created_at=grant.created_at,
                    expires_at=grant.expires_at,
                    policy=policy,
                    scope="" if account == "*" else account,
                    region="" if region == "*" else region,
                    resource="" if resource == "*" else resource,
                )


def _left_over(document: Document, place: tuple[str, ...], entry: MutedCheck) -> Iterator[Fault]:
    for number, resource in enumerate(entry.resources):
        if _pattern(resource) is None:
            problem = f"left out: {resource!r} is a regular expression; write the names, with * for any characters"
            yield document.fault((*place, "Resources", number), problem)


def _pattern(resource: str) -> str | None:
    """Return a resource's name as a pattern of ours, None for a regular expression that says more than `*`."""
    plain = resource.removeprefix("^").removesuffix("$")
    plain = f".{plain}" if plain.startswith("*") else plain  # as Prowler reads it
    if "*" in plain.replace(".*", ""):
        return None  # a repetition, not a wildcard
    return found if _LITERAL.fullmatch(found := plain.replace(".*", "*")) else None
