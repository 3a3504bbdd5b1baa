"""What was taken in and cannot be read any more: what is left of it is set aside, and said to be."""

from msgspec.structs import replace

from model.canonical import instant
from model.log_volume import Aside, LogCount, What, slot_of
from pipeline.intake.taking import Incoming, Intake

_REASON = "damaged where it waited"


def abandon(intake: Intake, incoming: Incoming) -> None:
    """Count what is left of a piece as malformed, and end it."""
    now = intake.clock.now()
    with intake.store.observe(instant(now), intake.person) as writer:
        piece = writer.logs.piece(incoming.piece.source, incoming.piece.id) or incoming.piece
        left = piece.offered - piece.records
        if left > 0:
            malformed: What = "malformed"
            writer.logs.add([LogCount(piece.source, slot_of(now), malformed, intake.cause, left)])
            first, last = str(piece.records + 1), str(piece.offered)
            writer.logs.set_aside([Aside(piece.source, piece.id, first, last, _REASON, instant(now), left, 0)])
        writer.logs.put_piece(replace(piece, state="done"))
    incoming.done()
