"""Puts the catalog together, and checks what its rooms must know of each other."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from catalog import checkov as adopted_files
from catalog import policies as policy_files
from catalog.checkov import Adopted
from catalog.evaluator import Allowance
from catalog.policies import Policy
from collectors import type_files
from collectors.type_files import TypeFile
from model.asset import Kind, raw_kind
from model.fault import Fault, Refused
from model.terms import Capability
from pipeline.providers.provider import Provider, Providers
from pipeline.providers.registry import PROVIDERS
from semantics.shapes import ANYTHING

T = TypeVar("T")


class Catalog(Struct, frozen=True):
    """Policies and adopted checks, and the resource types of each provider that they need.

    `raw` are the kinds of what providers keep without a type. Policies of others have an allowance of time, by id;
    `broken` are those that cannot be used, with the reason.
    """

    policies: tuple[Policy, ...]
    types: Mapping[str, tuple[TypeFile, ...]] = {}
    raw: tuple[Kind, ...] = ()
    allowances: Mapping[str, Allowance] = {}
    broken: Mapping[str, str] = {}
    adopted: tuple[Adopted, ...] = ()

    @property
    def judging(self) -> tuple[Policy | Adopted, ...]:
        """Return whatever yields verdicts."""
        return (*self.policies, *self.adopted)

    @property
    def kinds(self) -> dict[str, Kind]:
        """Return the kinds by name, families of them too; raises `Refused` for a type that does not fit its SDK."""
        every = self.every_type
        found = (*(type_.kind for type_ in every), *type_files.families(every), *self.raw)
        return {kind.name: kind for kind in found}

    @property
    def looked_for(self) -> frozenset[str]:
        """Return the names of the kinds that assets are of."""
        return frozenset(type_.name for type_ in self.every_type) | {kind.name for kind in self.raw}

    @property
    def transient(self) -> frozenset[str]:
        """Return the names of the kinds that come and go by themselves."""
        return frozenset(type_.name for type_ in self.every_type if type_.transient)

    @property
    def every_type(self) -> list[TypeFile]:
        """Return the types of all providers."""
        return [type_ for types in self.types.values() for type_ in types]


def assemble(
    config: Path,
    chosen: Sequence[Policy | Adopted] | None = None,
    types: Path | None = None,
    providers: Providers = PROVIDERS,
) -> Catalog:
    """Return the catalog of a config folder, or only what the chosen policies need; raises `Refused` with all faults.

    Of chosen policies' types only those details are asked that the policies read. `types` holds a folder for each
    provider, where they are not the providers' own.
    """
    catalog, faults = _read(config, chosen, types, providers)
    for type_ in catalog.every_type:
        _without_faults(faults, partial(_kinds_of, type_))
    if not faults:
        known, also = catalog.kinds, [policy.id for policy in catalog.policies]
        faults += [fault for policy in catalog.policies for fault in cross_check(policy, known)]
        faults += adopted_files.cross_check(catalog.adopted, known, also if chosen is None else _also(catalog.adopted))
    if faults:
        raise Refused(faults)
    return catalog if chosen is None else _narrowed(catalog)


def as_shipped(config: Path, providers: Providers = PROVIDERS) -> Catalog:
    """Return the whole catalog of a config folder as it came with the program: only read, in a third of the time.

    What else `assemble` checks was checked before it was shipped. An expression that is wrong all the same is refused
    when it is first needed, a type that does not fit the providers' SDKs when it is first listed. Raises `Refused`
    with all faults of files that do not fit their forms.
    """
    catalog, faults = _read(config, None, None, providers)
    if faults:
        raise Refused(faults)
    return catalog


def _read(
    config: Path, chosen: Sequence[Policy | Adopted] | None, types: Path | None, providers: Providers
) -> tuple[Catalog, list[Fault]]:
    """Return what the files hold that fit their forms, and what is wrong with the others."""
    faults: list[Fault] = []
    judging = _all(faults, config) if chosen is None else chosen
    policies = tuple(one for one in judging if isinstance(one, Policy))
    adopted = tuple(one for one in judging if isinstance(one, Adopted))
    wanted = None if chosen is None else {kind for one in chosen for kind in one.kinds}
    found = {one.name: tuple(_without_faults(faults, partial(_types, one, types, wanted))) for one in providers}
    raw = tuple(raw_kind(one.name) for one in providers if one.keeps_raw)
    return Catalog(policies, found, raw, adopted=adopted), faults


def offered(catalog: Catalog, bought: Collection[Capability]) -> Catalog:
    """Return the catalog without what needs another capability of the menu than those that were bought."""
    types = {name: tuple(type_.offered(bought) for type_ in types) for name, types in catalog.types.items()}
    withheld = {type_.name: lost for type_ in catalog.every_type if (lost := type_.withheld(bought))}
    policies = tuple(one for one in catalog.policies if not _reads_any(one, withheld))
    return replace(catalog, policies=policies, types=types)


def _reads_any(policy: Policy, fields: Mapping[str, frozenset[str]]) -> bool:
    """Return whether a policy reads one of these fields of their kinds; what looks at none of them is not compiled."""
    if not policy.kinds & fields.keys():
        return False
    return any(read & fields.get(kind, frozenset()) for kind, read in fields_read([policy]).items())


def _all(faults: list[Fault], config: Path) -> list[Policy | Adopted]:
    policies = _without_faults(faults, lambda: policy_files.load(config / "policies"))
    adopted = _without_faults(faults, lambda: adopted_files.load(config / "checkov"))
    return [*policies, *adopted]


def _also(adopted: Iterable[Adopted]) -> list[str]:
    """Return the policies that adopted checks name: where some are chosen, that they exist is not looked at."""
    return [one.form.also for one in adopted if one.form.also]


def assemble_named(config: Path, ids: Collection[str]) -> Catalog:
    """Return the catalog of some policies and adopted checks by their ids; the others' files are not even parsed.

    Ids that are none of ours are left out: a policy may have been withdrawn.
    """
    naming = sorted(ids)
    found: list[Policy | Adopted] = [*policy_files.load(config / "policies", naming=naming)]
    found += adopted_files.load(config / "checkov", naming)
    return assemble(config, [one for one in found if one.id in ids])


def kinds(providers: Providers = PROVIDERS) -> dict[str, Kind]:
    """Return every kind that there is, by name."""
    found = {one.name: tuple(one.types(None, None)) for one in providers}
    return Catalog((), found, tuple(raw_kind(one.name) for one in providers if one.keeps_raw)).kinds


def _without_faults(faults: list[Fault], load: Callable[[], Sequence[T]]) -> Sequence[T]:
    """Return what is loaded; where it is refused, nothing, and its faults are added to those of the others."""
    try:
        return load()
    except Refused as refused:
        faults += refused.faults
        return []


def _types(provider: Provider, folder: Path | None, kinds: set[str] | None) -> Sequence[TypeFile]:
    own = None if kinds is None else [kind for kind in kinds if kind.startswith(f"{provider.name}.")]
    return provider.types(folder and folder / provider.name / "types", own)


def _kinds_of(type_: TypeFile) -> Sequence[Kind]:
    return [type_.kind]


def _narrowed(catalog: Catalog) -> Catalog:
    read = fields_read(catalog.policies)
    for one in catalog.adopted:
        for kind in one.kinds:
            read[kind] |= one.fields
    types = {name: tuple(type_.narrowed(read[type_.name]) for type_ in types) for name, types in catalog.types.items()}
    return replace(catalog, types=types)


def fields_read(policies: Iterable[Policy]) -> defaultdict[str, set[str]]:
    """Return for each kind the fields that policies read of it, as the judged asset or as another."""
    fields = defaultdict[str, set[str]](set)
    for policy in policies:
        fields[policy.form.kind] |= policy.compiled.reads["r"]
        for name, other in policy.compiled.others.items():
            fields[other.kind] |= policy.compiled.reads[name] | ({other.key} if other.key else set())
    return fields


def cross_check(policy: Policy, known: Mapping[str, Kind]) -> Iterator[Fault]:
    """Yield what is wrong with a policy's expressions, or else what they say of kinds and fields that do not exist."""
    if wrong := policy_files.expression_faults(policy):
        yield from wrong
        return
    roots = {"r": policy.form.kind} | {name: other.kind for name, other in policy.compiled.others.items()}
    for root, kind in roots.items():
        if kind not in known:
            yield policy.document.fault(("kind",) if root == "r" else ("with", root), f"there is no kind {kind!r}")
            continue
        for path, expression in policy.compiled.expressions:
            for field in sorted(expression.reads.get(root, frozenset()) - known[kind].fields):
                place = expression.place_of(field)
                yield policy.document.fault_in_text(path, *place, f"{kind} has no field {field!r}")
    for name, other in policy.compiled.others.items():
        if other.key and other.kind in known and other.key not in known[other.kind].fields:
            yield policy.document.fault(("with", name, "key"), f"{other.kind} has no field {other.key!r}")


def misread(policy: Policy, known: Mapping[str, Kind]) -> Iterator[Fault]:
    """Yield a fault for each field that a policy reads plainly and that bodies of the `known` kinds may be without.

    A plain `r.Field` makes the verdict unknown where there is none: of our policies that is meant only where the API
    always gives it. A detail may be unknown besides.
    """
    roots = {"r": policy.form.kind} | {name: other.kind for name, other in policy.compiled.others.items()}
    for root, kind in roots.items():
        needed = policy.compiled.shapes.get(root, ANYTHING).needed
        for field in sorted(needed - known[kind].always - known[kind].named - known[kind].details):
            judging = policy.compiled.judging
            path, expression = next(one for one in judging if field in one[1].expects.get(root, ANYTHING).fields)
            problem = f"read it as {root}.?{field}: {kind} does not always have it"
            yield policy.document.fault_in_text(path, *expression.place_of(field), problem)
