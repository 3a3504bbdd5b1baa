"""Whom the access entries of a BigQuery dataset let in.

Source: BigQuery API reference, `Dataset.access`: each entry names a grantee in one of these fields; views, routines and
other datasets are let in without a role.
"""

from collections.abc import Sequence

from semantics.shapes import TEXT, listing, mapping
from semantics.values import Document

_WHO = ("userByEmail", "groupByEmail", "domain", "specialGroup", "iamMember")
_WHAT = ("view", "routine", "dataset")
ACCESS = listing(mapping({**dict.fromkeys((*_WHO, "role"), TEXT), **dict.fromkeys(_WHAT, mapping())}))

_EVERYBODY = frozenset({"allUsers", "allAuthenticatedUsers"})


def public_roles(access: Sequence[Document]) -> list[str]:
    """Return the roles that everybody has by access entries; raises `ValueError` for an entry without a grantee."""
    if any(not any(entry.get(field) for field in (*_WHO, *_WHAT)) for entry in access):
        raise ValueError("an access entry names nobody")
    return [
        str(entry.get("role", "?"))
        for entry in access
        if _EVERYBODY.intersection(str(entry.get(field, "")) for field in ("specialGroup", "iamMember"))
    ]
