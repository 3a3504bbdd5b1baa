"""What was taken in and cannot be read any more: what is left of it is set aside, and said to be."""

from collections.abc import Sequence

from msgspec.structs import replace

from model.canonical import instant
from model.log_volume import Aside, LogCount, What, slot_of
from pipeline.intake.taking import Incoming, Intake

_REASON = "damaged where it waited"


def abandon(intake: Intake, incoming: Incoming) -> None:
    """Count what is left of a piece as malformed, and end it.

    Of one whose records were not counted when it came, what is left is counted as one that came and is malformed.
    """
    now = intake.clock.now()
    with intake.store.observe(instant(now), intake.person) as writer:
        piece = writer.logs.piece(incoming.piece.source, incoming.piece.id) or incoming.piece
        what: Sequence[What] = ("malformed",) if piece.offered else ("offered", "accepted", "malformed")
        left = piece.offered - piece.records if piece.offered else 1
        if left > 0 and piece.state == "open":
            writer.logs.add([LogCount(piece.source, slot_of(now), one, intake.cause, left) for one in what])
            first, last = str(piece.records + 1), str(piece.records + left)
            writer.logs.set_aside([Aside(piece.source, piece.id, first, last, _REASON, instant(now), left, 0)])
        writer.logs.put_piece(replace(piece, state="done"))
    incoming.done()
