"""Whom a plan is made for, where somebody names them: a person, never a text that only looks like one."""

from model.fault import Refused
from store.home import Home


def requester_called(home: Home, id_: str) -> str:
    """Return the id of the person that a plan is made for, empty for nobody else; people are the home's.

    Raises `Refused` for whoever is not called exactly so, or cannot sign in any more: in any other spelling they would
    be somebody else, and could approve.
    """
    if not id_:
        return ""
    with home.service.read() as session:
        found = session.people.one(id_)
    if found is None or found.id != id_ or found.disabled_at:
        raise Refused(f"there is nobody called {id_!r} who can sign in; `hinomi people list` shows the exact ids")
    return found.id
