"""Puts the catalog together, and checks what its rooms must know of each other."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
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
from collectors.aws import resource_types as aws_types
from collectors.azure import resource_types as azure_types
from collectors.gcp import resource_types as gcp_types
from collectors.kubernetes import resource_types as kubernetes_types
from collectors.type_files import TypeFile
from model.asset import RAW_KINDS, Kind
from model.fault import Fault, Refused
from model.tenant import Option

T = TypeVar("T")


class Catalog(Struct, frozen=True):
    """Policies and adopted checks, and the resource types of each provider that they need.

    Policies of others have an allowance of time, by id; `broken` are those that cannot be used, with the reason.
    """

    policies: tuple[Policy, ...]
    aws: tuple[aws_types.ResourceType, ...] = ()
    azure: tuple[azure_types.ResourceType, ...] = ()
    gcp: tuple[gcp_types.ResourceType, ...] = ()
    kubernetes: tuple[kubernetes_types.ResourceType, ...] = ()
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
        families = kubernetes_types.families(self.kubernetes)
        return {kind.name: kind for kind in (*(type_.kind for type_ in self.types), *families, *RAW_KINDS)}

    @property
    def types(self) -> tuple[TypeFile, ...]:
        """Return the types of all providers."""
        return (*self.aws, *self.azure, *self.gcp, *self.kubernetes)


def assemble(
    config: Path, chosen: Sequence[Policy | Adopted] | None = None, types: Path = type_files.COLLECTORS
) -> Catalog:
    """Return the catalog of a config folder, or only what the chosen policies need; raises `Refused` with all faults.

    Of chosen policies' types only those details are asked that the policies read.
    """
    faults: list[Fault] = []
    judging = _all(faults, config) if chosen is None else chosen
    policies = [one for one in judging if isinstance(one, Policy)]
    adopted = [one for one in judging if isinstance(one, Adopted)]
    wanted = None if chosen is None else {kind for one in chosen for kind in one.kinds}
    aws = _without_faults(faults, lambda: aws_types.load(types / "aws" / "types", _of("aws", wanted)))
    azure = _without_faults(faults, lambda: azure_types.load(types / "azure" / "types", _of("azure", wanted)))
    gcp = _without_faults(faults, lambda: gcp_types.load(types / "gcp" / "types", _of("gcp", wanted)))
    kubernetes = _without_faults(
        faults, lambda: kubernetes_types.load(types / "kubernetes" / "types", _of("kubernetes", wanted))
    )
    catalog = Catalog(tuple(policies), tuple(aws), tuple(azure), tuple(gcp), tuple(kubernetes), adopted=tuple(adopted))
    if not faults:
        faults += [fault for policy in policies for fault in cross_check(policy, catalog.kinds)]
        ours = [policy.id for policy in policies]
        faults += adopted_files.cross_check(adopted, catalog.kinds, ours if chosen is None else _also(adopted))
    if faults:
        raise Refused(faults)
    return catalog if chosen is None else _narrowed(catalog)


def offered(catalog: Catalog, options: Collection[Option]) -> Catalog:
    """Return the catalog without what needs another option of a contract than these."""
    aws = tuple(aws_types.offered(catalog.aws, options))
    known = {type_.kind.name: type_.kind.fields for type_ in aws}
    policies = tuple(
        policy
        for policy in catalog.policies
        if all(read <= known.get(kind, read) for kind, read in fields_read([policy]).items())
    )
    return replace(catalog, policies=policies, aws=aws)


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


def kinds() -> dict[str, Kind]:
    """Return every kind that there is, by name."""
    every = tuple(aws_types.load()), tuple(azure_types.load()), tuple(gcp_types.load()), tuple(kubernetes_types.load())
    return Catalog((), *every).kinds


def _without_faults(faults: list[Fault], load: Callable[[], list[T]]) -> list[T]:
    """Return what is loaded; where it is refused, nothing, and its faults are added to those of the others."""
    try:
        return load()
    except Refused as refused:
        faults += refused.faults
        return []


def _of(provider: str, kinds: set[str] | None) -> list[str] | None:
    return None if kinds is None else [kind for kind in kinds if kind.startswith(f"{provider}.")]


def _narrowed(catalog: Catalog) -> Catalog:
    read = fields_read(catalog.policies)
    for one in catalog.adopted:
        for kind in one.kinds:
            read[kind] |= one.fields
    return replace(
        catalog,
        aws=tuple(aws_types.narrowed(type_, read[type_.kind.name]) for type_ in catalog.aws),
        azure=tuple(azure_types.narrowed(type_, read[type_.kind.name]) for type_ in catalog.azure),
        gcp=tuple(gcp_types.narrowed(type_, read[type_.kind.name]) for type_ in catalog.gcp),
    )


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
