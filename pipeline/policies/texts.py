"""What policies say, ours and a tenant's own, by id: apart from judging, so that whoever only notifies loads no SDK."""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from msgspec.structs import replace

from catalog import checkov, policies
from catalog.checkov import Adopted
from catalog.form import convert
from catalog.policies import Cases, Described, Policy, PolicyForm
from catalog.yaml_reader import parse
from model.fault import Refused
from store.reader import Reader

_KEPT = 1_000


def texts(judging: Iterable[Policy | Adopted], reader: Reader) -> dict[str, Described]:
    """Return by id what is written in the given policies and checks, and in the tenant's own; nothing is compiled."""
    return {**{one.id: one.form for one in judging}, **own_texts(reader)}


def shipped(config: Path) -> list[Policy | Adopted]:
    """Return the policies and adopted checks that came with the program."""
    return [*policies.load(config / "policies"), *checkov.load(config / "checkov")]


def own_texts(reader: Reader) -> dict[str, PolicyForm]:
    """Return by id what is written in the tenant's own policies."""
    own = {id_: _form(text) for id_, text in reader.policies.newest().documents.items()}
    return {id_: form for id_, form in own.items() if form}


@lru_cache(_KEPT)
def _form(text: str) -> PolicyForm | None:
    """Return what is written in a policy, without its cases; None where it does not fit any more, as the scan says."""
    try:
        return replace(convert(parse(text.encode(), ""), PolicyForm), cases=Cases([], []))
    except Refused:
        return None
