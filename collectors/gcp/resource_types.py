"""Google Cloud resource types: data, one file each (docs/types-gcp.md)."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal, Self

from msgspec import Meta, Struct, structs

from catalog.form import convert
from catalog.yaml_reader import Document
from collectors import type_files
from collectors.declared import FieldType
from collectors.secret_signs import Shape
from model.asset import Kind
from model.fault import Fault, Refused
from model.terms import Capability

TYPES = Path(__file__).parent / "types"
# The details that a type may have: the policies that are set on a resource.
IAM, ORG = "iamPolicy", "orgPolicies"

KindName = Annotated[str, Meta(pattern=r"^gcp\.[a-z0-9]+\.[a-z0-9]+(-[a-z0-9]+)*$(?!\n)")]
Field = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]*$(?!\n)")]
AssetType = Annotated[str, Meta(pattern=r"^[a-z0-9.-]+\.googleapis\.com/[A-Za-z0-9]+$(?!\n)")]
NameField = Annotated[str, Meta(pattern=r"^\$[A-Za-z][A-Za-z0-9_]*$(?!\n)")]
# A name at any depth: annotations of Kubernetes are fields too.
DeepName = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_./-]*$(?!\n)")]
RestPath = Annotated[str, Meta(pattern=r"^[a-z0-9]+(\.[A-Za-z0-9]+)+$(?!\n)")]


class TypeForm(Struct, frozen=True, forbid_unknown_fields=True):
    """A type file as it is written.

    `fields` are those of the resource's first level, `always` those that the API always gives. `omit`, `secrets` and
    `switches` name fields at every depth.
    """

    kind: KindName
    asset_type: AssetType
    name: NameField
    fields: dict[Field, FieldType]
    rest: list[RestPath] = []
    always: type_files.Always = {}
    iam: Literal[True] | None = None
    org: Literal[True] | None = None
    transient: Literal[True] | None = None
    volatile: list[Field] = []
    omit: list[DeepName] = []
    secrets: dict[DeepName, Shape] = {}
    switches: list[DeepName] = []


class ResourceType(Struct, frozen=True):
    """A checked type; `kind` states to policies what they can read."""

    form: TypeForm
    document: Document
    kind: Kind

    @property
    def name(self) -> str:
        """Return the kind's name."""
        return self.form.kind

    @property
    def always(self) -> frozenset[str]:
        """Return the fields that are in every body."""
        return self.kind.always

    @property
    def transient(self) -> bool:
        """Return whether such resources come and go by themselves."""
        return bool(self.form.transient)

    def narrowed(self, fields: Iterable[str], /) -> Self:
        """Return the type with only the details that fields are read of."""
        needed, form = set(fields), self.form
        iam, org = form.iam if IAM in needed else None, form.org if ORG in needed else None
        return structs.replace(self, form=structs.replace(form, iam=iam, org=org))

    def withheld(self, _bought: Collection[Capability], /) -> frozenset[str]:
        """Return nothing: nothing of it needs an option of a contract."""
        return frozenset()

    def offered(self, _bought: Collection[Capability], /) -> Self:
        """Return the type as it is: nothing of it needs an option of a contract."""
        return self


def load(directory: Path = TYPES, kinds: Iterable[str] | None = None) -> list[ResourceType]:
    """Return the types of a folder by kind, all or those named; raises `Refused` with all faults of all files."""
    types = type_files.load(directory, "gcp", check, kinds)
    if faults := [*_twice(types)]:
        raise Refused(faults)
    return types


def check(document: Document) -> ResourceType:
    """Return the type of a document; raises `Refused` with every fault."""
    form = convert(document, TypeForm)
    if faults := [*_faults(document, form)]:
        raise Refused(faults)
    kind = Kind(
        name=form.kind,
        provider="gcp",
        fields=frozenset(form.fields) - frozenset(form.omit) | details(form),
        details=details(form),
        volatile=frozenset(form.volatile),
        always=type_files.always_of(form.always),
        named=frozenset({form.name[1:]}),
    )
    return ResourceType(form, document, kind)


def details(form: TypeForm) -> frozenset[str]:
    """Return the names of a type's details."""
    return frozenset(name for name, has in ((IAM, form.iam), (ORG, form.org)) if has)


def _faults(document: Document, form: TypeForm) -> Iterator[Fault]:
    if form.name[1:] not in form.fields:
        yield document.fault(("name",), f"{form.name} is no field")
    elif form.fields[form.name[1:]] not in ("string", "integer"):
        yield document.fault(("name",), f"{form.name} is no text")
    elif form.name[1:] in form.omit:
        yield document.fault(("name",), f"{form.name} is left out by 'omit'")
    yield from type_files.always_faults(document, form.always, form.fields.keys() - set(form.omit))
    for name in sorted(form.fields.keys() & {IAM, ORG}):
        yield document.fault(("fields", name), f"{name!r} is the name of a detail")
    for number, name in enumerate(form.volatile):
        if name not in form.fields.keys() | details(form):
            yield document.fault(("volatile", number), f"{name!r} is no field and no detail")
    for key in ("volatile", "omit", "switches", "rest"):
        yield from _repeated(document, key, getattr(form, key))
    treated = Counter([*form.omit, *form.secrets, *form.switches])
    for name in sorted(name for name, times in treated.items() if times > 1):
        yield document.fault((), f"{name!r} stands under two of 'omit', 'secrets' and 'switches'; one has to be enough")


def _repeated(document: Document, key: str, names: list[str]) -> Iterator[Fault]:
    for number, name in enumerate(names):
        if name in names[:number]:
            yield document.fault((key, number), f"{name!r} is said twice")


def _twice(types: Iterable[ResourceType]) -> Iterator[Fault]:
    """Yield a fault for each asset type or REST path that two files claim."""
    seen: dict[str, str] = {}
    for type_ in types:
        claims = [("asset_type", type_.form.asset_type), *(("rest", path.lower()) for path in type_.form.rest)]
        for key, claim in claims:
            if claim in seen:
                yield type_.document.fault((key,), f"{claim!r} is {seen[claim]}'s already")
            seen[claim] = type_.form.kind
