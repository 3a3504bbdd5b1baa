"""Kubernetes resource types: data, one file each (docs/types-kubernetes.md)."""

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal, Self

from msgspec import Meta, Struct

from catalog.form import convert
from catalog.yaml_reader import Document
from collectors import type_files
from model.asset import Kind
from model.fault import Fault, Refused
from model.terms import Capability

TYPES = Path(__file__).parent / "types"
# What every body has beside the object's own fields: `namespace/name`, or the name of what has no namespace.
NAMESPACED_NAME = "namespacedName"
_OF_EVERY = frozenset({"apiVersion", "kind", "metadata", NAMESPACED_NAME})

KindName = Annotated[str, Meta(pattern=r"^kubernetes\.[a-z0-9]+\.[a-z0-9]+(-[a-z0-9]+)*$(?!\n)")]
ApiVersion = Annotated[str, Meta(pattern=r"^([a-z0-9.-]+/)?v[0-9]+((alpha|beta)[0-9]+)?$(?!\n)")]
Plural = Annotated[str, Meta(pattern=r"^[a-z]+$(?!\n)")]
# As references to owners have them: the kind, after its group where it has one (`apps/ReplicaSet`).
GroupedKind = Annotated[str, Meta(pattern=r"^([a-z0-9.-]+/)?[A-Z][A-Za-z]+$(?!\n)")]
ObjectKind = Annotated[str, Meta(pattern=r"^[A-Z][A-Za-z]+$(?!\n)")]
Field = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9]*$(?!\n)")]
DnsLabel = Annotated[str, Meta(pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$(?!\n)")]


class Only(Struct, frozen=True, forbid_unknown_fields=True):
    """The one object that is read of a type: its place, and the field of its data that is a YAML text itself."""

    namespace: DnsLabel
    name: DnsLabel
    yaml: Field


class TypeForm(Struct, frozen=True, forbid_unknown_fields=True):
    """A type file as it is written.

    `fields` are the object's own beside its metadata. `only` reads one object instead of a list; `metadata: true` asks
    for metadata alone; `component` is a component of the control plane, known by its pods, with its `flags`. `family`
    has policies that look at these objects too, unless an object made them that is of the family itself: `made_by`.
    """

    kind: KindName
    api: ApiVersion
    plural: Plural
    object: ObjectKind
    namespaced: bool = False
    fields: list[Field] = []
    always: type_files.Always = {}
    transient: Literal[True] | None = None
    volatile: list[Field] = []
    metadata: Literal[True] | None = None
    only: Only | None = None
    component: DnsLabel | None = None
    family: KindName | None = None
    made_by: list[GroupedKind] = []


class ResourceType(Struct, frozen=True):
    """A checked type; `kind` states to policies what they can read."""

    form: TypeForm
    document: Document
    kind: Kind

    @property
    def family(self) -> str:
        """Return the family of the type's kind, empty where it has none."""
        return self.kind.family

    @property
    def group(self) -> str:
        """Return the API group, empty for the core."""
        return self.form.api.rpartition("/")[0]

    @property
    def said(self) -> str:
        """Return the object's kind after its group, as `made_by` has it."""
        return f"{self.group}/{self.form.object}" if self.group else self.form.object

    @property
    def permission(self) -> str:
        """Return what our role has to allow, as `list:deployments.apps`."""
        resource = f"{self.form.plural}.{self.group}" if self.group else self.form.plural
        return f"get:{resource}" if self.form.only else f"list:{resource}"

    @property
    def root(self) -> str:
        """Return the path of its API."""
        return f"/apis/{self.form.api}" if self.group else f"/api/{self.form.api}"

    @property
    def path(self) -> str:
        """Return where its objects are listed, in all namespaces; or where the one object stands."""
        if only := self.form.only:
            return f"{self.root}/namespaces/{only.namespace}/{self.form.plural}/{only.name}"
        return f"{self.root}/{self.form.plural}"

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

    def narrowed(self, _fields: Iterable[str], /) -> Self:
        """Return the type as it is: one call returns all of an object."""
        return self

    def withheld(self, _bought: Collection[Capability], /) -> frozenset[str]:
        """Return nothing: nothing of it needs an option of a contract."""
        return frozenset()

    def offered(self, _bought: Collection[Capability], /) -> Self:
        """Return the type as it is: nothing of it needs an option of a contract."""
        return self


def load(directory: Path = TYPES, kinds: Iterable[str] | None = None) -> list[ResourceType]:
    """Return the types by kind, all or those named by kind or family; raises `Refused` with all faults."""
    wanted = None if kinds is None else set(kinds)
    types = type_files.load(directory, "kubernetes", check)
    if faults := [*unmade(types)]:
        raise Refused(faults)
    if wanted is None:
        return types
    return [type_ for type_ in types if type_.kind.name in wanted or type_.family in wanted]


def check(document: Document) -> ResourceType:
    """Return the type of a document; raises `Refused` with every fault."""
    form = convert(document, TypeForm)
    if faults := [*_faults(document, form)]:
        raise Refused(faults)
    always, volatile = type_files.always_of(form.always), frozenset(form.volatile)
    kind = Kind(form.kind, "kubernetes", _known(form), frozenset(), volatile, form.family or "", always, _OF_EVERY)
    return ResourceType(form, document, kind)


def _known(form: TypeForm) -> frozenset[str]:
    """Return the fields that a body can have."""
    of_text = {form.only.yaml} if form.only else set[str]()
    of_component = {"flags"} if form.component else set[str]()
    return _OF_EVERY.union(form.fields, of_text, of_component)


def unmade(types: list[ResourceType]) -> Iterator[Fault]:
    """Yield a fault for each maker that is not of its things' family: it would not be judged in their place."""
    families = {type_.said: type_.family for type_ in types}
    for type_ in types:
        for number, maker in enumerate(type_.form.made_by):
            if not type_.family or families.get(maker) != type_.family:
                yield type_.document.fault(("made_by", number), f"{maker} is no type of the same family")


def _faults(document: Document, form: TypeForm) -> Iterator[Fault]:
    for number, name in enumerate(form.volatile):
        if name not in form.fields:
            yield document.fault(("volatile", number), f"{name!r} is no field")
    yield from type_files.always_faults(document, form.always, _known(form))
    if form.metadata and form.fields:
        yield document.fault(("fields",), "metadata alone has no other fields")
    if form.component and form.plural != "pods":
        yield document.fault(("component",), "only pods have components")
