"""How a tenant's file enters an AWS account: what is wrong with a login, and which external id its role asks for."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from model.tenant import AwsLogs, AwsScope, AwsWrite

if TYPE_CHECKING:
    from catalog.yaml_reader import Document, KeyPath
    from model.fault import Fault

Login = TypeVar("Login", AwsScope, AwsWrite, AwsLogs)


def asking_for(login: Login, external_id: str) -> Login:
    """Return a login whose role asks for an external id, where it has a role and no external id of its own."""
    return replace(login, external_id=login.external_id or external_id) if login.role and external_id else login


def login_faults(
    document: "Document", place: "KeyPath", login: AwsScope | AwsWrite | AwsLogs, account: str
) -> "Iterator[Fault]":
    """Yield what is wrong with a login that stands at a place of a document and leads to an account."""
    if login.external_id and not login.role:
        yield document.fault((*place, "external_id"), "goes with a role; add 'role'")
    if login.role and account not in login.role:
        yield document.fault((*place, "role"), f"is not a role of the account {account}")
