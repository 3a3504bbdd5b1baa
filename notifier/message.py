"""What is handed to a channel, and what it answers."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TextIO

from msgspec import Struct

from model.alert import Alert
from model.fault import Refused
from model.service_provider import provided_by
from model.text import Language, Text, clause_ja
from notifier.smtp import Patience
from outgoing.border import Border


class Message(Struct, frozen=True):
    """One alert for one channel; `key` is the same over all attempts, so that a repeat can be known from news.

    `provider` is the name of the company that the contract is with, where the installation has one: whatever a channel
    makes of a message carries it (Article 1(1); `tests/pipeline/notifying/test_provider_names.py`).
    """

    key: str
    alert: Alert
    language: Language
    provider: Text | None = None

    @property
    def provided_by(self) -> str:
        """Return the line that names the provider, the empty text where there is none."""
        return provided_by(self.provider, self.language)


class Notice(Struct, frozen=True):
    """One thing about a tenant's contract for one channel of the provider's people, with its clause; not an alert."""

    key: str
    tenant: str
    name: Text
    text: Text
    clause: str
    at: str
    language: Language
    provider: Text | None = None

    @property
    def provided_by(self) -> str:
        """Return the line that names the provider, the empty text where there is none."""
        return provided_by(self.provider, self.language)

    @property
    def cited(self) -> str:
        """Return the clause as texts of the language cite it."""
        return f"（{clause_ja(self.clause)}）" if self.language == "ja" else f" (Article {self.clause})"


class Outcome(Struct, frozen=True):
    """What became of one attempt: `sent`, `again` later, or `never`; the problem names no secret.

    `is_unreachable` says that the other side was not reached: what else goes there would wait as long, in vain.
    """

    result: str
    problem: str = ""
    is_unreachable: bool = False


SENT = Outcome("sent")


def again(problem: str) -> Outcome:
    """Return the outcome of an attempt that may succeed later."""
    return Outcome("again", problem)


def unreachable(problem: str) -> Outcome:
    """Return the outcome of an attempt that did not reach the other side."""
    return Outcome("again", problem, is_unreachable=True)


def never(problem: str) -> Outcome:
    """Return the outcome of an attempt that cannot succeed by repeating it."""
    return Outcome("never", problem)


def _unbound(reference: str) -> bytes:
    """Raise `Refused` always: nothing says whose secret it would be."""
    raise Refused(f"the reference {reference} belongs to no tenant here")


class Ways(Struct, frozen=True):
    """What channels need of the world: the network, a terminal, the time, secrets by reference.

    The secrets are one tenant's: what is not bound to one refers to nothing. So is the border, over which alone a
    channel may connect: without one it is the public internet. A mail's patience is its own: its protocol asks for more
    than a web request's, each step of which is waited for some seconds.
    """

    terminal: TextIO
    now: Callable[[], datetime]
    border: Border = Border()
    mail_patience: Patience = Patience()
    web_patience: float = 10.0
    secret: Callable[[str], bytes] = _unbound


class Way(Struct, frozen=True):
    """A channel type: the form of its settings, and how it sends."""

    settings: type[Any]
    send: Callable[[Message | Notice, Any, Ways], Outcome]
