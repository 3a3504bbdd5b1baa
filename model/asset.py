"""What a collector saw, did not see, and could not see."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from msgspec import Struct, structs

from model.canonical import digest

_ZONE = re.compile(r"([a-z]+-[a-z]+\d+)-[a-z]")


class Asset(Struct, frozen=True):
    """One resource as its cloud describes it (OCSF 5023).

    `body` holds the fields of the listing and the details, nulls left out: an absent key is a fact.
    `unknown` names the details that could not be read, each with its cause; it is no part of the hash.
    `region` is `global` where the service has no regions. `body_hash` is `Kind.hash_of` the body.
    `key` distinguishes assets of a scope that share a resource, such as an account's settings in each region.
    `family` has policies of its own that look at this asset too: those of all workloads at a Deployment.
    """

    kind: str
    resource: str
    name: str
    scope: str
    region: str
    body: dict[str, Any]
    body_hash: str
    unknown: dict[str, str] = {}
    key: str = ""
    family: str = ""

    @property
    def uid(self) -> str:
        """Return the asset's identity within its tenant."""
        return digest(self.scope, self.kind, self.resource, self.key)


NOT_RETURNED = "not returned"


def missing_named(asset: Asset, always: Collection[str]) -> Asset:
    """Return an asset on which those fields are unknown that are always in a body, and are not in this one."""
    missing = [name for name in always if name not in asset.body and name not in asset.unknown]
    if not missing:
        return asset
    return structs.replace(asset, unknown={**asset.unknown, **dict.fromkeys(missing, NOT_RETURNED)})


def tags_of(body: Mapping[str, Any]) -> frozenset[str]:
    """Return a resource's own tags as `key=value`, however its cloud writes them.

    AWS has lists of Key and Value (`Tags`, `tags`), or mappings; Azure `tags`, Google `labels` and `tags`, Kubernetes
    labels in `metadata`.
    """
    found: set[str] = set()
    metadata = body.get("metadata")
    if isinstance(metadata, dict) and isinstance(metadata.get("labels"), dict):
        found |= {f"{key}={value}" for key, value in metadata["labels"].items()}
    for name in ("Tags", "tags", "labels", "TagList", "TagSet"):
        stated = body.get(name)
        if isinstance(stated, dict):
            found |= {f"{key}={value}" for key, value in stated.items()}
        elif isinstance(stated, list):
            pairs = ({key.lower(): value for key, value in tag.items()} for tag in stated if isinstance(tag, dict))
            found |= {f"{pair['key']}={pair.get('value', '')}" for pair in pairs if "key" in pair}
    return frozenset(found)


class Listing(Struct, frozen=True):
    """One listing of (scope, kind, region) that has ended: whole when `cause` is empty, else unknown with its cause.

    A kind whose resources lie in other regions than the listing's (S3 buckets) says so by `region` = `global`.
    `family` is that of its assets. `partial` says that more of the kind may lie in regions where nobody looked.
    """

    scope: str
    kind: str
    region: str
    cause: str = ""
    family: str = ""
    partial: bool = False


class Place(Struct, frozen=True):
    """Where resources were read: the account's full id and the regions that were looked at, none named = everywhere.

    `partial` says that the account has others, or may have.
    """

    scope: str
    account: str
    account_resource: str
    partition: str
    regions: tuple[str, ...]
    unread: dict[str, str] = {}
    partial: bool = False

    def covers(self, region: str) -> bool:
        """Return whether resources of a region are looked at; all are, where the regions could not be determined.

        A zone of Google's lies in the region that it is named after.
        """
        zone = _ZONE.fullmatch(region)
        here = region in self.regions or bool(zone and zone[1] in self.regions)
        return region == "global" or not self.regions or here or bool(self.unread)


class Kind(Struct, frozen=True):
    """What policies may know of a resource type: its name and the fields its bodies can have.

    `family` has policies of its own that look at resources of this type too. What is `always` in a body and is not
    there was not returned: that is no fact. Without the fields that it is `named` by, there would be no asset.
    """

    name: str
    provider: str
    fields: frozenset[str]
    details: frozenset[str]
    volatile: frozenset[str]
    family: str = ""
    always: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()

    def hash_of(self, body: Mapping[str, Any]) -> str:
        """Return the hash of a body of this kind: its volatile fields, which change by themselves, do not count."""
        return digest({name: value for name, value in body.items() if name not in self.volatile})


def provider_type(asset: Asset) -> str:
    """Return what an asset's cloud calls its type, where the body states it; else its kind."""
    stated = asset.body.get("assetType") or asset.body.get("type")
    return stated if isinstance(stated, str) else asset.kind


def raw_kind(provider: str) -> Kind:
    """Return the kind of what no type describes: it is kept as it is returned, and no policy looks at it."""
    return Kind(f"{provider}.raw", provider, frozenset(), frozenset(), frozenset())
