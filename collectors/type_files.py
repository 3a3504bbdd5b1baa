"""Resource types are files: what all providers' have in common (docs/types.md)."""

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Protocol, Self, TypeVar

from msgspec import Meta, Struct

from catalog.yaml_reader import Document, content, parse
from model.asset import Kind
from model.fault import Fault, Refused
from model.terms import Capability

# The fields that an API always gives, by who says so: its reference, or recorded replies.
Always = dict[Annotated[str, Meta(min_length=8)], list[str]]

COLLECTORS = Path(__file__).parent


class TypeFile(Protocol):
    """A type; `kind` states to policies what they can read."""

    @property
    def name(self) -> str:
        """Return the kind's name."""
        ...

    @property
    def kind(self) -> Kind:
        """Return the kind; raises `Refused` where the type does not fit what its cloud's SDK says."""
        ...

    @property
    def transient(self) -> bool:
        """Return whether such resources come and go by themselves."""
        ...

    @property
    def always(self) -> frozenset[str]:
        """Return the fields that are in every body, of those that are asked for."""
        ...

    @property
    def form(self) -> Struct:
        """Return the file's form."""
        ...

    @property
    def document(self) -> Document:
        """Return the file as it was read."""
        ...

    def narrowed(self, fields: Iterable[str], /) -> Self:
        """Return the type with only the details that fields are read of, and what these need."""
        ...

    def withheld(self, bought: Collection[Capability], /) -> frozenset[str]:
        """Return the fields that need another capability of the menu than these."""
        ...

    def offered(self, bought: Collection[Capability], /) -> Self:
        """Return the type without what needs another capability of the menu than these."""
        ...


T = TypeVar("T", bound=TypeFile)
_REMEMBERED = 2_000


@lru_cache(_REMEMBERED)
def _read(read: Callable[[Document], Any], raw: bytes, name: str) -> Any:
    """Return the type of a file's text: the same text is read once in a process."""
    return read(parse(raw, name))


def load(directory: Path, provider: str, read: Callable[[Document], T], kinds: Iterable[str] | None = None) -> list[T]:
    """Return the types of a provider's directory by kind, all or those named; `read` makes a type of a document.

    Raises `Refused` with all faults of all files, those too whose kind and path disagree.
    """
    wanted = None if kinds is None else set(kinds)
    faults: list[Fault] = []
    types: dict[str, T] = {}
    for file in sorted(directory.rglob("*.yaml")):
        says = provider + "." + file.relative_to(directory).with_suffix("").as_posix().replace("/", ".")
        if wanted is not None and says not in wanted:
            continue
        try:
            name = f"types/{file.relative_to(directory)}"
            loaded: T = _read(read, content(file, name), name)
        except Refused as refused:
            faults += refused.faults
            continue
        if loaded.name != says:
            problem = f"{loaded.name!r} and the path disagree; the path says {says!r}"
            faults.append(loaded.document.fault(("kind",), problem))
        types[loaded.name] = loaded
    if faults:
        raise Refused(faults)
    return [types[kind] for kind in sorted(types)]


def always_of(said: Always) -> frozenset[str]:
    """Return the fields that are always given, whoever says so."""
    return frozenset(name for names in said.values() for name in names)


def always_faults(document: Document, said: Always, known: Collection[str]) -> Iterator[Fault]:
    """Yield a fault for each field under a document's `always` (`said`) that is not known, or was said before."""
    before = set[str]()
    for source, names in said.items():
        for number, name in enumerate(names):
            if name not in known:
                yield document.fault(("always", source, number), f"{name!r} is no field and no detail")
            if name in before:
                yield document.fault(("always", source, number), f"{name!r} is said twice")
            before.add(name)


def families(types: Iterable[TypeFile]) -> list[Kind]:
    """Return the families of types as kinds: their fields are those that all members have."""
    members: dict[str, list[Kind]] = {}
    for type_ in types:
        if type_.kind.family:
            members.setdefault(type_.kind.family, []).append(type_.kind)
    return [
        Kind(
            name,
            kinds[0].provider,
            frozenset.intersection(*(k.fields for k in kinds)),
            frozenset(),
            frozenset(),
            "",
            frozenset.intersection(*(k.always for k in kinds)),
            frozenset.intersection(*(k.named for k in kinds)),
        )
        for name, kinds in members.items()
    ]
