"""The stage of a tenant's logs as its store has it: how it changed, and what is let in by it (Article 11)."""

from typing import Literal

from msgspec import Struct

from model.canonical import digest

# The action of the audit record of each change, with its id and digest.
RECORDED = "suspension.stage"
Stage = Literal["normal", "watch", "limited", "suspended", "probing"]
Became = Literal["normal", "watch", "limited", "suspended", "probing", "proposed"]


class StageRow(Struct, frozen=True):
    """A change of the stage `at` a moment, for a reason; `document` is the case that it rests on, as JSON, or empty.

    After `proposed` the stage is as before.
    """

    id: str
    at: str
    before: Stage
    after: Became
    reason: str
    document: str

    @property
    def digest(self) -> str:
        """Return a digest of all of it: the audit chain has it, under the action `RECORDED`."""
        return digest(self.id, self.at, self.before, self.after, self.reason, self.document)


class LogAdmission(Struct, frozen=True):
    """How many records a minute of a tenant's logs are let in since a moment, by its stage; None for no limit."""

    stage: Stage
    records_per_minute: int | None
    at: str = ""
