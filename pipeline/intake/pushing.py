"""Monitoring logs that a customer's machines push: taken in at once, or not at all."""

import hashlib
import io
import uuid
from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from intake.limits import LIMITS
from intake.own import own_of
from intake.unpacking import BrokenStreamError, unpacked
from model.canonical import digest, instant
from model.clock import Clock
from model.fault import Refused
from model.log_volume import LogPiece, What
from pipeline.access.authorization import Authorizer
from pipeline.intake.sources import source_called
from pipeline.intake.taking import Intake, take
from pipeline.log_segments import Segments

_BOMB = "a bomb"
# A push is small; more than this it has no reason to unpack to.
_LIMITS = replace(LIMITS, unpacked=64 * 2**20)


class TooLarge(Refused):
    """What is pushed unpacks to more than a push may hold."""


class Push(Struct, frozen=True):
    """What a machine sends: for which tenant, of which source, and by which idempotency key, if it has one."""

    tenant: str
    source: str
    body: bytes
    key: str = ""


class Taken(Struct, frozen=True):
    """What became of the records that were pushed; all of them are accounted for."""

    offered: int
    processed: int
    malformed: int
    duplicate: int
    too_late: int


def push(authorizer: Authorizer, segments: Callable[[str], Segments], wanted: Push, clock: Clock) -> Taken:
    """Take in what is wanted of the machine that the authorizer lets in; return what became of it, once it is kept.

    A body that came before, or with a key that came before, is a repeat. `segments` gives where events are kept, the
    clock the time. Raises `NotAllowed`, `NotEntitled`, `TooLarge`, `KeyReused` for a key that came with another body,
    and `BeingTaken` where another process takes the source in.
    """
    store = authorizer.tenant("logs.push", wanted.tenant)
    source, own = source_called(wanted.source), own_of(authorizer.file("logs.push", wanted.tenant))
    _refuse_bomb(wanted.body)
    sha256 = hashlib.sha256(wanted.body).hexdigest()
    id_ = digest("key", wanted.key) if wanted.key else sha256
    piece = LogPiece(source.id, id_, sha256, "", instant(clock.now()), "open", 0, 0)
    holder, person = f"push:{uuid.uuid4().hex}", authorizer.actor.name
    intake = Intake(wanted.tenant, store, segments(wanted.tenant), source, clock, holder, person, "customer", own)
    counted = take(intake, piece, io.BytesIO(wanted.body))
    became: tuple[What, ...] = ("offered", "processed", "malformed", "duplicate", "too late")
    return Taken(*(counted[what] for what in became))


def _refuse_bomb(body: bytes) -> None:
    try:
        for _ in unpacked(io.BytesIO(body), _LIMITS):
            pass
    except BrokenStreamError as broken:
        if broken.reason == _BOMB:
            raise TooLarge("what is pushed unpacks to more than a push may hold; send it in parts") from None
