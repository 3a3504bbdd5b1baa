"""Standing orders: what may be remediated without asking each time."""

from msgspec import Struct


class Order(Struct, frozen=True):
    """A person's word beforehand: for one playbook, in one scope or everywhere (empty), until a moment (RFC 3339).

    It reaches as far as one person's approval does: never where two are needed, never to roll something back.
    """

    id: str
    playbook: str
    scope: str
    author: str
    reason: str
    granted_at: str
    expires_at: str
    withdrawn_at: str = ""

    def holds(self, at: str) -> bool:
        """Return whether it holds at a moment."""
        return self.granted_at <= at < self.expires_at and not self.withdrawn_at
