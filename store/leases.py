"""Who may do something now: one at a time, each for as long as was said."""

from functools import cache
from typing import Any

from sqlalchemy import Connection, bindparam, or_, select

from store import schema
from store.statements import INSERTS

_LEASE = schema.resource_lease.c
_LET_GO = schema.resource_lease.delete().where((_LEASE.uid == bindparam("of")) & (_LEASE.holder == bindparam("by")))


class Leases:
    """What can be held, on one connection: a resource that is changed, by its uid, or that people are notified."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def hold(self, uid: str, holder: str, now: str, until: str) -> bool:
        """Take or renew the lease of something (its uid) from `now` `until` a moment, for the holder.

        False where somebody else holds it.
        """
        values = {"uid": uid, "holder": holder, "until": until, "now": now}
        return self._connection.execute(_hold(self._connection.dialect.name), values).first() is not None

    def holder(self, uid: str) -> str:
        """Return who holds the lease of something, or has not given it back; empty where nobody has."""
        query = select(_LEASE.holder).where(_LEASE.uid == uid)
        return self._connection.execute(query).scalar() or ""

    def let_go(self, uid: str, holder: str) -> None:
        """Give the lease of something back."""
        self._connection.execute(_LET_GO, {"of": uid, "by": holder})


@cache
def _hold(dialect: str) -> Any:
    """Return what takes a lease for `holder` unless somebody else holds it beyond `now`, and states whether it did."""
    made = INSERTS[dialect](schema.resource_lease)
    free = or_(_LEASE.holder == made.excluded.holder, _LEASE.until <= bindparam("now"))
    taken = {"holder": made.excluded.holder, "until": made.excluded.until}
    return made.on_conflict_do_update(index_elements=["uid"], set_=taken, where=free).returning(_LEASE.uid)
