"""What people are notified of, and whether it reached them."""

from typing import Literal

from msgspec import Struct

from model.finding import Category, Fact, Finding, Severity, State
from model.text import Text

DeliveryState = Literal["queued", "sent", "failed"]


class News(Struct, frozen=True):
    """A fact that nobody has been notified of yet, with its finding as it is now."""

    id: int
    fact: Fact
    finding: Finding


class Item(Struct, frozen=True):
    """One resource of an alert."""

    finding: str
    resource: str
    name: str
    region: str
    message: Text


class Alert(Struct, frozen=True):
    """One notification: findings of one policy in one scope that became the same (OCSF 2005).

    `because` says why they were resolved where that is no remediation; it is empty for all else.
    """

    id: str
    tenant: str
    policy: str
    became: State
    scope: str
    severity: Severity
    title: Text
    fix: Text
    at: str
    items: tuple[Item, ...]
    category: Category = "posture"
    because: str = ""


class Delivery(Struct, frozen=True):
    """One alert on its way over one channel; `key` stays the same over all attempts."""

    key: str
    alert: str
    channel: str
    state: DeliveryState
    due_at: str
    attempts: int = 0
    sent_at: str | None = None
    problem: str = ""
