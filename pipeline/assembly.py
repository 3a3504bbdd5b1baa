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
from model.tenant import Option
from pipeline.providers.provider import Provider, Providers
from pipeline.providers.registry import PROVIDERS

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
        """Return the kinds by name, families of them too."""
        every = self.every_type
        found = (*(type_.kind for type_ in every), *type_files.families(every), *self.raw)
        return {kind.name: kind for kind in found}

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
    faults: list[Fault] = []
    judging = _all(faults, config) if chosen is None else chosen
    policies = [one for one in judging if isinstance(one, Policy)]
    adopted = [one for one in judging if isinstance(one, Adopted)]
    wanted = None if chosen is None else {kind for one in chosen for kind in one.kinds}
    found = {one.name: tuple(_without_faults(faults, partial(_types, one, types, wanted))) for one in providers}
    raw = tuple(raw_kind(one.name) for one in providers if one.keeps_raw)
    catalog = Catalog(tuple(policies), found, raw, adopted=tuple(adopted))
    if not faults:
        faults += [fault for policy in policies for fault in cross_check(policy, catalog.kinds)]
        ours = [policy.id for policy in policies]
        faults += adopted_files.cross_check(adopted, catalog.kinds, ours if chosen is None else _also(adopted))
    if faults:
        raise Refused(faults)
    return catalog if chosen is None else _narrowed(catalog)


def offered(catalog: Catalog, options: Collection[Option]) -> Catalog:
    """Return the catalog without what needs another option of a contract than these."""
    types = {name: tuple(type_.offered(options) for type_ in types) for name, types in catalog.types.items()}
    known = {type_.kind.name: type_.kind.fields for of_one in types.values() for type_ in of_one}
    policies = tuple(
        policy
        for policy in catalog.policies
        if all(read <= known.get(kind, read) for kind, read in fields_read([policy]).items())
    )
    return replace(catalog, policies=policies, types=types)


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


def _narrowed(catalog: Catalog) -> Catalog:
    read = fields_read(catalog.policies)
    for one in catalog.adopted:
        for kind in one.kinds:
            read[kind] |= one.fields
    types = {
        name: tuple(type_.narrowed(read[type_.kind.name]) for type_ in types) for name, types in catalog.types.items()
    }
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
