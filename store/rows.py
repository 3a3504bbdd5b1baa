"""What a tenant's store returns: rows as frozen values, and which of them are asked for."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct


class Fence(Struct, frozen=True):
    """A lease number of a job; a write with a lower number than the last one seen is refused."""

    job: str
    number: int


class Gap(Struct, frozen=True):
    """What could not be read: a whole listing (`detail` empty) or one detail of `assets` resources."""

    scope: str
    kind: str
    region: str
    detail: str
    cause: str
    assets: int = 0


class Run(Struct, frozen=True):
    """One scan; `finished_at` is empty while it runs, or where it was broken off."""

    id: str
    job: str
    slot: str
    started_at: str
    finished_at: str
    summary: dict[str, Any]


class Current(Struct, frozen=True):
    """What is kept of an asset's current row, to compare with."""

    uid: str
    kind: str
    scope: str
    region: str
    body_hash: str
    unknown: str


class AssetRow(Struct, frozen=True):
    """One state of an asset, from when to when it was so; `body` only where it was asked for. Moments are RFC 3339."""

    uid: str
    kind: str
    resource: str
    name: str
    scope: str
    region: str
    unknown: dict[str, str]
    valid_from: str
    valid_to: str | None = None
    body: dict[str, Any] | None = None


class Selection(Struct, frozen=True):
    """Which rows are asked for: columns with their values, rows after a uid, at most so many, as of a moment.

    `text` is in an asset's name or id, in whatever case; `tag` (`key=value`) is on our record or the resource itself.
    Findings as of a moment are those that were active then, unless `where` names a state or `all_states` are wanted.
    """

    where: Mapping[str, str]
    after: str = ""
    limit: int = 100
    at: str = ""
    all_states: bool = False
    text: str = ""
    tag: str = ""
