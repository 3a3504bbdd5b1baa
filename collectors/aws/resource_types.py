"""AWS resource types: data, checked against the SDK's service models (docs/types.md)."""

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from msgspec import Meta, Struct, field, structs

from catalog.form import convert
from catalog.yaml_reader import Document, KeyPath
from clouds.aws.faults import is_refusal, may_mean_anything, says_none
from clouds.aws.service_models import Operation, fields_of, names_within, operation, operations, services, step
from collectors import type_files
from collectors.secret_signs import Shape
from collectors.templates import references
from model.asset import Kind
from model.fault import Fault, Refused
from model.terms import Capability

TYPES = Path(__file__).parent / "types"

KindName = Annotated[str, Meta(pattern=r"^aws\.[a-z0-9]+\.[a-z0-9]+(-[a-z0-9]+)*$(?!\n)")]
Field = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]*$(?!\n)")]
DataPath = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_]+(\[\])?(\.[A-Za-z0-9_]+(\[\])?)*$(?!\n)")]
Action = Annotated[str, Meta(pattern=r"^[a-z0-9-]+:[A-Za-z0-9]+$(?!\n)")]

# What every template can name beside the resource's own fields.
PLACE_NAMES = frozenset({"partition", "account", "region"})


class Prepare(Struct, frozen=True, forbid_unknown_fields=True):
    """An operation that is asked until its reply's `field` is `until`, before the listing can be read."""

    op: str
    field: Field
    until: str
    iam: Action | None = None


class Describe(Struct, frozen=True, forbid_unknown_fields=True):
    """An operation that describes the listed rows, up to `batch` at once: `ids` takes the values of the field `of`."""

    op: str
    ids: Field
    of: Field
    rows: DataPath
    batch: Annotated[int, Meta(ge=1, le=1000)]
    args: dict[str, Any] = {}
    iam: Action | None = None


class Within(Struct, frozen=True, forbid_unknown_fields=True, rename={"as_": "as"}):
    """An operation that lists what the resources stand in: each is listed by itself, named by `as`.

    Its rows are plain texts, or have the field `of` that is taken of each.
    """

    op: str
    rows: DataPath
    as_: Field
    of: Field | None = None
    iam: Action | None = None


class List(Struct, frozen=True, forbid_unknown_fields=True, rename={"as_": "as"}):
    """The operation that lists the resources, and where its rows are.

    `as` names the field where rows are plain texts; `csv` names the columns where `rows` is a CSV document.
    """

    op: str
    rows: DataPath
    args: dict[str, Any] = {}
    as_: Field | None = None
    csv: list[Field] = []
    prepare: Prepare | None = None
    within: Within | None = None
    describe: Describe | None = None
    iam: Action | None = None

    def operations(self) -> list[tuple[str, Action | None]]:
        """Return every operation that listing takes, each with its IAM action where that is said."""
        steps = (self, self.prepare, self.within, self.describe)
        return [(step.op, step.iam) for step in steps if step]


class Detail(Struct, frozen=True, forbid_unknown_fields=True):
    """An operation that returns more of one resource; `absent` lists the error codes that mean «there is none».

    Of the value, at whatever depth they stand, fields under `omit` are never kept, and of fields under `secrets` only
    where a secret seems to be. `only` names earlier details and what they have to be: elsewhere nothing is asked, and
    there is none. `package` says that the value is the address of a program, of which the same holds. `capability`
    is what the tenant has to have bought: elsewhere nothing is asked, and no policy that reads it judges.
    """

    op: str
    args: dict[str, Any] = {}
    only: dict[Field, str] = {}
    get: DataPath | None = None
    json: bool = False
    omit: list[Field] = []
    secrets: dict[Field, Shape] = {}
    package: bool = False
    absent: list[str] = []
    capability: Capability | None = None
    iam: Action | None = None


class Exists(Struct, frozen=True, forbid_unknown_fields=True):
    """The call that only answers where the resource itself is there, for codes that may mean another thing too."""

    op: str
    args: dict[str, Any] = {}
    iam: Action | None = None


class Region(Struct, frozen=True, forbid_unknown_fields=True):
    """The detail that states a resource's region, where the listing is global; `default` where it is absent."""

    of: Field
    default: str
    names: dict[str, str] = {}


class TypeForm(Struct, frozen=True, forbid_unknown_fields=True, rename={"listing": "list"}):
    """A type file as it is written: `list`, or `one: true` for exactly one asset per account or region.

    `gone` lists the error codes that mean «it vanished while we looked»; with `exists`, that call has to say so too.
    `home` names the field that states where a resource lives whose replicas other regions list too: its details are
    asked there. Listed by region, replicas are left out; where nobody looks at its home, the first region shows it.
    `omit` and `secrets` are for the rows what they are
    for a detail. `always` has the fields that the API always gives.
    """

    kind: KindName
    service: str
    scope: Literal["global", "region"]
    arn: str
    name: str
    listing: List | None = None
    one: Literal[True] | None = None
    details: dict[Field, Detail] = field(default_factory=dict)
    always: type_files.Always = {}
    region: Region | None = None
    home: Field | None = None
    gone: list[str] = []
    exists: Exists | None = None
    transient: Literal[True] | None = None
    volatile: list[Field] = []
    omit: list[Field] = []
    secrets: dict[Field, Shape] = {}
    events: list[Field] = []


class ResourceType(Struct, frozen=True):
    """A type file that fits its form. Whether it fits the SDK too is found when its kind is first asked for.

    `whole` compares it with the service's model, and returns its kind as the file describes it: reading all models
    takes half a second. `without` are the details that are left out of it.
    """

    form: TypeForm
    document: Document
    whole: Callable[[], Kind]
    without: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """Return the kind's name."""
        return self.form.kind

    @property
    def transient(self) -> bool:
        """Return whether such resources come and go by themselves."""
        return bool(self.form.transient)

    @property
    def always(self) -> frozenset[str]:
        """Return the fields that are in every body, of those that are asked for."""
        return type_files.always_of(self.form.always) - self.without

    @property
    def kind(self) -> Kind:
        """Return what policies can read of it; raises `Refused` with every fault where it does not fit the SDK."""
        kind = self.whole()
        if not self.without:
            return kind
        return structs.replace(kind, fields=kind.fields - self.without, details=kind.details - self.without)

    def narrowed(self, fields: Iterable[str], /) -> Self:
        """Return the type with only the details that fields are read of, or that its names or these details need."""
        form = self.form
        needed = set(fields) | references([form.arn, form.name]) | ({form.region.of} if form.region else set())
        for name, detail in reversed(form.details.items()):  # an argument refers to earlier details
            if name in needed:
                needed |= references(detail.args) | detail.only.keys()
        kept = {name: detail for name, detail in form.details.items() if name in needed}
        without = self.without | (form.details.keys() - kept.keys())
        return structs.replace(self, form=structs.replace(form, details=kept), without=without)

    def withheld(self, bought: Collection[Capability], /) -> frozenset[str]:
        """Return the details that need another capability of the menu than these."""
        return frozenset(name for name, one in self.form.details.items() if one.capability not in (None, *bought))

    def offered(self, bought: Collection[Capability], /) -> Self:
        """Return the type without the details that need another capability of the menu than these."""
        without = self.withheld(bought)
        details = {name: one for name, one in self.form.details.items() if name not in without}
        return structs.replace(self, form=structs.replace(self.form, details=details), without=self.without | without)


def load(directory: Path = TYPES, kinds: Iterable[str] | None = None) -> list[ResourceType]:
    """Return the types of a folder by kind, all or those named.

    Raises `Refused` with all faults of all files, but for what is found when their kinds are asked for.
    """
    return type_files.load(directory, "aws", read, kinds)


def read(document: Document) -> ResourceType:
    """Return the type of a document; raises `Refused` where it does not fit its form."""
    form = convert(document, TypeForm)
    return ResourceType(form, document, cache(partial(_checked, document, form)))


def _checked(document: Document, form: TypeForm) -> Kind:
    """Return the kind that a form describes, checked against the service model; raises `Refused` with every fault."""
    checker = _Checker(document, form)
    faults = list(checker.faults())
    if faults:
        raise Refused(faults)
    return Kind(
        name=form.kind,
        provider="aws",
        fields=checker.row_fields | frozenset(form.details),
        details=frozenset(form.details),
        volatile=frozenset(form.volatile),
        always=type_files.always_of(form.always),
        named=frozenset(references([form.arn, form.name]) - PLACE_NAMES),
    )


class _Checker:
    """Compares one type file with the service model."""

    def __init__(self, document: Document, form: TypeForm) -> None:
        self.document = document
        self.form = form
        self.row_fields: frozenset[str] = frozenset()
        self._row: Any = None

    def faults(self) -> Iterator[Fault]:
        form = self.form
        if form.service not in services():
            yield self.document.fault(("service",), f"the SDK knows no service {form.service!r}")
            return
        if (form.listing is None) == (form.one is None):
            yield self.document.fault((), "has to say either 'list' or 'one: true'")
            return
        if form.listing:
            yield from self._list(form.listing)
        yield from self._omitted()
        seen = self.row_fields | PLACE_NAMES
        for name, detail in form.details.items():
            yield from self._detail(name, detail, seen)
            seen |= {name}
        yield from self._templates(seen)
        yield from type_files.always_faults(self.document, form.always, seen - PLACE_NAMES)

    def _list(self, form: List) -> Iterator[Fault]:
        known = PLACE_NAMES
        if form.within:
            yield from self._call(("list", "within"), form.within.op, {}, PLACE_NAMES)
            holders, problems = self._shape(("list", "within", "rows"), form.within.op, form.within.rows)
            yield from problems
            if form.within.of and form.within.of not in fields_of(getattr(holders, "member", holders)):
                yield self.document.fault(("list", "within", "of"), f"rows have no field {form.within.of!r}")
            known |= {form.within.as_}
        yield from self._call(("list",), form.op, form.args, known)
        if form.prepare:
            yield from self._call(("list", "prepare"), form.prepare.op, {}, PLACE_NAMES)
        shape, problems = self._shape(("list", "rows"), form.op, form.rows)
        yield from problems
        if form.csv:
            self.row_fields = frozenset(form.csv)
        elif form.as_:
            self.row_fields = frozenset({form.as_})
        elif shape is not None:
            self._row = getattr(shape, "member", shape)
            self.row_fields = fields_of(self._row)
        if form.describe and not problems:
            yield from self._describe(form.describe, known)
        elif not self.row_fields and not problems:
            yield self.document.fault(("list", "rows"), "yields no rows with fields; name plain texts by 'as'")

    def _describe(self, form: Describe, known: frozenset[str]) -> Iterator[Fault]:
        if form.of not in self.row_fields:
            yield self.document.fault(("list", "describe", "of"), f"rows have no field {form.of!r}")
        yield from self._call(("list", "describe"), form.op, {form.ids: []} | form.args, known)
        shape, problems = self._shape(("list", "describe", "rows"), form.op, form.rows)
        yield from problems
        if shape is not None:
            self._row = getattr(shape, "member", shape)
            self.row_fields |= fields_of(self._row)

    def _omitted(self) -> Iterator[Fault]:
        yield from self._dropped((), self.form, self._row)
        self.row_fields -= frozenset(self.form.omit)

    def _dropped(self, path: KeyPath, form: TypeForm | Detail, shape: Any) -> Iterator[Fault]:
        """Yield a fault for each name that stands nowhere: what is meant would be kept."""
        if not (form.omit or form.secrets):  # looking through all shapes takes a while
            return
        known = names_within(shape) | (self.row_fields if form is self.form else frozenset())
        for number, name in enumerate(form.omit):
            if name not in known:
                yield self.document.fault((*path, "omit", number), f"there is no field {name!r} at any depth")
        for name in form.secrets:
            if name not in known:
                yield self.document.fault((*path, "secrets", name), f"there is no field {name!r} at any depth")

    def _detail(self, name: str, form: Detail, seen: frozenset[str]) -> Iterator[Fault]:
        path: KeyPath = ("details", name)
        if name in self.row_fields | PLACE_NAMES:
            yield self.document.fault(path, f"the name {name!r} is a field of the listed row already; take another")
        yield from self._call(path, form.op, form.args, seen)
        for name in sorted((form.only.keys() | references(form.only)) - seen):
            yield self.document.fault((*path, "only"), f"{name} is not known before this call")
        found = self._operation(form.op)
        shape = found.output if found else None
        if form.get:
            shape, problems = self._shape((*path, "get"), form.op, form.get)
            yield from problems
        if shape is not None and not form.json:
            yield from self._dropped(path, form, shape)
        for number, code in enumerate(form.absent):
            yield from self._code((*path, "absent", number), code, "absent")
            if self.form.listing and may_mean_anything(code) and not (self.form.exists and code in self.form.gone):
                text = f"{code} may mean that the resource itself is gone: it needs 'gone', and 'exists' to see which"
                yield self.document.fault((*path, "absent", number), text)
        about = references(form.args) - PLACE_NAMES
        if (len(about) > 1 or about - self.row_fields) and not self.form.exists:
            for code in filter(may_mean_anything, self.form.gone):
                text = (
                    f"{code} may mean another thing that is asked for; say by 'exists' how the resource itself is seen"
                )
                yield self.document.fault((*path, "args"), text)

    def _templates(self, seen: frozenset[str]) -> Iterator[Fault]:
        form = self.form
        for key, value in (("arn", form.arn), ("name", form.name)):
            for reference in sorted(references(value) - seen):
                yield self.document.fault((key,), f"${reference} is no field of the row and no detail")
        for number, code in enumerate(form.gone):
            yield from self._code(("gone", number), code, "gone")
        if form.exists:
            yield from self._call(("exists",), form.exists.op, form.exists.args, self.row_fields | PLACE_NAMES)
            if not form.gone:
                yield self.document.fault(("exists",), "goes with 'gone', the codes of a resource that is not there")
        if form.region and form.region.of not in form.details:
            yield self.document.fault(("region", "of"), f"{form.region.of!r} is no detail")
        if form.home and form.home not in self.row_fields:
            yield self.document.fault(("home",), f"rows have no field {form.home!r}")
        for number, name in enumerate(form.volatile):
            if name not in seen:
                yield self.document.fault(("volatile", number), f"{name!r} is no field of the row and no detail")

    def _code(self, path: KeyPath, code: str, meant: str) -> Iterator[Fault]:
        if is_refusal(code):
            yield self.document.fault(path, f"{code} is a refusal; it cannot mean {meant}")
        elif not says_none(self.form.service, code):
            yield self.document.fault(path, f"{code} does not say that there is none; it cannot mean {meant}")

    def _call(self, path: KeyPath, op: str, args: dict[str, Any], seen: frozenset[str]) -> Iterator[Fault]:
        found = self._operation(op)
        if found is None:
            yield self.document.fault((*path, "op"), f"{self.form.service} has no operation {op!r}")
            return
        if found.root == "":
            text = f"the root element of {found.name}'s replies is not known: add it to clouds/aws/replies.py"
            yield self.document.fault((*path, "op"), text)
        for name in sorted(args.keys() - found.parameters):
            yield self.document.fault((*path, "args", name), f"{found.name} has no parameter {name!r}")
        for name in sorted(found.required - args.keys()):
            yield self.document.fault((*path, "op"), f"{found.name} needs the parameter {name!r}")
        for reference in sorted(references(args) - seen):
            yield self.document.fault((*path, "args"), f"${reference} is not known before this call")

    def _shape(self, path: KeyPath, op: str, data_path: str) -> tuple[Any, list[Fault]]:
        found = self._operation(op)
        if found is None:
            return None, []
        try:
            return step(found.output, data_path), []
        except KeyError as missing:
            return None, [self.document.fault(path, f"{found.name} returns no {missing.args[0]!r}")]

    def _operation(self, op: str) -> Operation | None:
        return operation(self.form.service, op) if op in operations(self.form.service) else None
