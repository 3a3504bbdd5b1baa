"""Exceptions: findings that are known and accepted for a time, by our own records alone."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from msgspec import Struct

from model.finding import Finding, Verdict

Tags = Mapping[str, frozenset[str]]
FULL_ID = "arn:"  # full ids begin so


class Suppression(Struct, frozen=True):
    """One exception. What is empty matches everything; all that is given has to match, and something has to be given.

    `resource` is a full id or a name, `*` stands for any characters. `tag` is `key=value` of our own record of the
    resource, never of the customer's account. Moments are RFC 3339; it holds until `expires_at`.
    """

    id: str
    reason: str
    author: str
    created_at: str
    expires_at: str
    policy: str = ""
    scope: str = ""
    region: str = ""
    resource: str = ""
    tag: str = ""
    withdrawn_at: str = ""

    def holds(self, at: str) -> bool:
        """Return whether the exception holds at a moment."""
        return not self.withdrawn_at and self.created_at <= at < self.expires_at

    def matches(self, found: Finding | Verdict, tags: frozenset[str]) -> bool:
        """Return whether it is meant for a finding, or a verdict that may become one."""
        exact = ((self.policy, found.policy), (self.scope, found.scope), (self.region, found.region))
        return (
            all(not wanted or wanted == is_ for wanted, is_ in exact)
            and (not self.resource or any(fnmatch(name, self.resource) for name in self._names(found)))
            and (not self.tag or self.tag in tags)
        )

    def _names(self, found: Finding | Verdict) -> tuple[str, ...]:
        """Return what `resource` may mean: a name that looks like a full id is none, whoever chose it."""
        return (found.resource,) if self.resource.startswith(FULL_ID) else (found.resource, found.name)


def suppressing(suppressions: Iterable[Suppression], found: Finding | Verdict, tags: Tags) -> Suppression | None:
    """Return which of the suppressions is meant for what was `found`, the one that lasts longest of several.

    `tags` are ours, by the asset's uid.
    """
    own = tags.get(found.asset_uid, frozenset())
    return max((s for s in suppressions if s.matches(found, own)), key=lambda s: s.expires_at, default=None)


def fnmatch(name: str, pattern: str) -> bool:
    """Return whether a name fits a pattern in which only `*` means anything."""
    literal = pattern.replace("[", "[[]").replace("?", "[?]")
    return fnmatchcase(name, literal)
