"""Azure resource types: data (docs/types-azure.md)."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from msgspec import Meta, Struct, field, structs

from catalog.form import convert
from catalog.yaml_reader import Document
from collectors import type_files
from collectors.declared import FieldType
from collectors.secret_signs import Shape
from collectors.templates import references
from model.asset import Kind
from model.fault import Fault, Refused
from model.terms import Capability

TYPES = Path(__file__).parent / "types"

KindName = Annotated[str, Meta(pattern=r"^azure\.[a-z0-9]+\.[a-z0-9]+(-[a-z0-9]+)*$(?!\n)")]
Field = Annotated[str, Meta(pattern=r"^[A-Za-z@][A-Za-z0-9_.-]*$(?!\n)")]
DetailName = Annotated[str, Meta(pattern=r"^[A-Z][A-Za-z0-9]*$(?!\n)")]
ArmType = Annotated[str, Meta(pattern=r"^[A-Za-z]+(\.[A-Za-z]+)+(/[A-Za-z]+)*$(?!\n)")]
ApiVersion = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(-[a-z]+)?$(?!\n)")]
ArmPath = Annotated[str, Meta(pattern=r"^(\$id|/)[^\s]*$(?!\n)")]
Table = Literal["resources", "resourcecontainers", "securityresources", "authorizationresources", "policyresources"]

# What stands beside `properties` in every resource of Resource Manager and Resource Graph.
ENVELOPE: Mapping[str, FieldType] = {
    "id": "string",
    "name": "string",
    "type": "string",
    "kind": "string",
    "location": "string",
    "tags": "object",
    "sku": "object",
    "plan": "object",
    "identity": "object",
    "zones": "array",
    "managedBy": "string",
    "extendedLocation": "object",
    "resourceGroup": "string",
    "subscriptionId": "string",
    "tenantId": "string",
    "etag": "string",
    "systemData": "object",
}
# What every template can name beside the resource's own fields.
PLACE_NAMES = frozenset({"subscription", "directory"})


class PathCall(Struct, frozen=True, forbid_unknown_fields=True):
    """A path of Resource Manager with the API's version; without one, a path of Microsoft Graph."""

    path: ArmPath
    api_version: ApiVersion | None = None
    action: str | None = None


class Detail(Struct, frozen=True, forbid_unknown_fields=True, rename={"many": "list"}):
    """A call that returns more of one resource: one thing, or `list` of them; versions are as in `PathCall`.

    `each` says that each of the list is asked by itself, because the list leaves out what it has. `absent` lists the
    error codes that mean «there is none». `only` names fields and what they have to be: elsewhere nothing is asked.
    `omit` and `secrets` are as in the type.
    """

    path: ArmPath
    api_version: ApiVersion | None = None
    many: bool = False
    each: bool = False
    only: dict[Field, str] = {}
    absent: list[str] = []
    omit: list[Field] = []
    secrets: dict[Field, Shape] = {}
    action: str | None = None

    @property
    def of_graph(self) -> bool:
        """Return whether Microsoft Graph is asked, also for a resource of a subscription."""
        return self.api_version is None


class TypeForm(Struct, frozen=True, forbid_unknown_fields=True, rename={"listing": "list"}):
    """A type file as it is written: `table` of Resource Graph, or `list` for what no table has, or `one`.

    `fields` are those of the resource's `properties` (of the object itself, in Microsoft Graph). `always` has those of
    its fields and details that the API always gives.
    """

    kind: KindName
    type: ArmType
    fields: dict[Field, FieldType]
    table: Table | None = None
    listing: PathCall | None = None
    one: PathCall | None = None
    resource: str = "$id"
    name: str = "$name"
    details: dict[DetailName, Detail] = field(default_factory=dict)
    always: type_files.Always = {}
    transient: Literal[True] | None = None
    volatile: list[Field] = []
    omit: list[Field] = []
    secrets: dict[Field, Shape] = {}


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
        """Return the fields that are in every body, of those that are asked for."""
        return self.kind.always - (self.kind.details - self.form.details.keys())

    @property
    def transient(self) -> bool:
        """Return whether such resources come and go by themselves."""
        return bool(self.form.transient)

    def narrowed(self, fields: Iterable[str], /) -> Self:
        """Return the type with only the details that fields are read of."""
        wanted = set(fields)
        kept = {name: detail for name, detail in self.form.details.items() if name in wanted}
        return structs.replace(self, form=structs.replace(self.form, details=kept))

    def withheld(self, _bought: Collection[Capability], /) -> frozenset[str]:
        """Return nothing: nothing of it needs an option of a contract."""
        return frozenset()

    def offered(self, _bought: Collection[Capability], /) -> Self:
        """Return the type as it is: nothing of it needs an option of a contract."""
        return self

    @property
    def call(self) -> PathCall | None:
        """Return the call that lists it, None where a table of Resource Graph does."""
        return self.form.listing or self.form.one

    @property
    def of_directory(self) -> bool:
        """Return whether it belongs to the directory, not to a subscription."""
        return self.call is not None and self.call.api_version is None

    @property
    def action(self) -> str:
        """Return the permission that listing it needs."""
        return (self.call.action if self.call else None) or f"{self.form.type}/read"

    def action_of(self, detail: Detail) -> str:
        """Return the permission that a detail needs: the types along its path (Azure's own names of operations)."""
        if detail.action:
            return detail.action
        path, _, other = detail.path.removeprefix("$id").partition("/providers/")
        if other:
            namespace, *below = other.split("/")
            return "/".join([namespace, *below[::2], "read"])
        return "/".join([self.form.type, *path.split("/")[1::2], "read"])


def load(directory: Path = TYPES, kinds: Iterable[str] | None = None) -> list[ResourceType]:
    """Return the types of a folder by kind, all or those named; raises `Refused` with all faults of all files."""
    return type_files.load(directory, "azure", check, kinds)


def check(document: Document) -> ResourceType:
    """Return the type of a document; raises `Refused` with every fault."""
    form = convert(document, TypeForm)
    faults = list(_faults(document, form))
    if faults:
        raise Refused(faults)
    kind = Kind(
        name=form.kind,
        provider="azure",
        fields=_known(form) | frozenset(form.details),
        details=frozenset(form.details),
        volatile=frozenset(form.volatile),
        always=_always(form),
        named=frozenset(references([form.resource, form.name]) - PLACE_NAMES),
    )
    return ResourceType(form, document, kind)


def _always(form: TypeForm) -> frozenset[str]:
    """Return the fields that every body has: a call that cannot say «there is none» always has an answer."""
    answered = {name for name, one in form.details.items() if not (one.absent or one.only)}
    return type_files.always_of(form.always) | answered


def _known(form: TypeForm) -> frozenset[str]:
    """Return the fields that a body can have, without the details."""
    envelope = frozenset() if _of_graph(form) else frozenset(ENVELOPE)
    return (envelope | frozenset(form.fields)) - frozenset(form.omit)


def _of_graph(form: TypeForm) -> bool:
    call = form.listing or form.one
    return call is not None and call.api_version is None


def _faults(document: Document, form: TypeForm) -> Iterator[Fault]:
    if sum(way is not None for way in (form.table, form.listing, form.one)) != 1:
        yield document.fault((), "has to say one of 'table', 'list' and 'one'")
    known = _known(form)
    for key in ("resource", "name"):
        for reference in sorted(references(getattr(form, key)) - known - PLACE_NAMES):
            yield document.fault((key,), f"${reference} is no field of the resource")
    for call, key in ((form.listing, "list"), (form.one, "one")):
        for reference in sorted(references(call.path) - PLACE_NAMES) if call else ():
            yield document.fault((key, "path"), f"${reference} is not known before this call")
    if (call := form.listing or form.one) and call.api_version is None and not call.action:
        yield document.fault(
            ("list" if form.listing else "one",), "has to say its 'action', the permission of Microsoft Graph"
        )
    for number, name in enumerate(form.volatile):
        if name not in known | form.details.keys():
            yield document.fault(("volatile", number), f"{name!r} is no field and no detail")
    yield from type_files.always_faults(document, form.always, known | form.details.keys())
    for name, detail in form.details.items():
        yield from _detail_faults(document, name, detail, known)


def _detail_faults(document: Document, name: str, detail: Detail, known: frozenset[str]) -> Iterator[Fault]:
    if name in known:
        yield document.fault(("details", name), f"the name {name!r} is a field already; take another")
    for reference in sorted((references(detail.path) | detail.only.keys()) - known - PLACE_NAMES):
        yield document.fault(("details", name), f"${reference} is no field of the resource")
    if detail.each and not detail.many:
        yield document.fault(("details", name, "each"), "goes with 'list: true'")
    if detail.of_graph and not detail.action:
        yield document.fault(("details", name), "has to say its 'action', the permission of Microsoft Graph")
    for number, code in enumerate(detail.absent):
        if not code.endswith("NotFound"):
            yield document.fault(("details", name, "absent", number), f"{code} does not say that there is none")
