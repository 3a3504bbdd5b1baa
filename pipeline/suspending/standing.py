"""Whether suspensions may be automatic: by a standing judgement in the specification that governs."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from catalog.access import load
from catalog.folder import config_folder
from catalog.terms import load_settings
from contract.suspension_settings import InForce, governing
from model.text import Text
from store.home import Home

JUDGES = "contract.judge"


class JudgedBy(Struct, frozen=True):
    """The edition of the specification that lets suspensions be automatic, or why none does."""

    edition: InForce | None = None
    why: Text | None = None


def specification() -> list[InForce]:
    """Return the editions of the specification, each with its standing judgement; raises `Refused` for bad data."""
    editions = load_settings(config_folder()).editions.specification
    return [InForce(one.edition, one.day, one.standing_judgement) for one in editions]


def standing(home: Home, editions: Sequence[InForce], at: datetime) -> JudgedBy:
    """Return the edition whose standing judgement lets a suspension be automatic `at` an instant, or why none does.

    Both who judged have to be people of the home's service who may judge now.
    """
    found = governing(list(editions), at)
    if found is None or found.judgement is None:
        why = Text(
            en="the specification in force holds no standing judgement",
            ja="適用中の仕様書に、自動停止についての包括的な判断の定めがありません",
        )
        return JudgedBy(why=why)
    known = _judges(home)
    missing = [name for name in (found.judgement.author, found.judgement.approver) if name not in known]
    if missing:
        names = ", ".join(missing)
        why = Text(
            en=f"the standing judgement of the specification {found.edition} is of {names}, who may not judge here",
            ja=f"仕様書{found.edition}の包括的な判断を行った{names}は、判断の権限を持つ利用者ではありません",
        )
        return JudgedBy(why=why)
    return JudgedBy(found)


def _judges(home: Home) -> set[str]:
    roles = {name for name, role in load(config_folder()).roles.items() if JUDGES in role.may and role.side == "staff"}
    with home.service.read() as session:
        people = list(session.people.all())
    return {one.id for one in people if not one.disabled_at and roles & set(one.roles)}
