"""Puts the house together, and checks what its rooms must know of each other."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from catalog import policies as policy_files
from catalog.evaluator import Allowance
from catalog.policies import Policy
from collectors.aws import resource_types
from collectors.aws.resource_types import ResourceType
from model.asset import Kind
from model.fault import Fault, Refused


class House(Struct, frozen=True):
    """Policies, and the resource types that they need.

    Policies of others have an allowance of time, by id; `broken` are those that cannot be used, with the reason.
    """

    policies: tuple[Policy, ...]
    types: tuple[ResourceType, ...]
    allowances: Mapping[str, Allowance] = {}
    broken: Mapping[str, str] = {}

    @property
    def kinds(self) -> dict[str, Kind]:
        """Return the kinds by name."""
        return {type_.kind.name: type_.kind for type_ in self.types}


def assemble(config: Path, chosen: Sequence[Policy] | None = None, types: Path = resource_types.TYPES) -> House:
    """Return the house of a config folder, or only what the chosen policies need; raises `Refused` with all faults.

    Of chosen policies' types only those details are asked that the policies read.
    """
    faults: list[Fault] = []
    policies: Sequence[Policy] = chosen or []
    loaded: list[ResourceType] = []
    try:
        policies = chosen if chosen is not None else policy_files.load(config / "policies")
    except Refused as refused:
        faults += refused.faults
    try:
        wanted = None if chosen is None else set().union(*(policy.kinds for policy in chosen))
        loaded = resource_types.load(types, wanted)
    except Refused as refused:
        faults += refused.faults
    if not faults:
        kinds = {type_.kind.name: type_.kind for type_ in loaded}
        faults += [fault for policy in policies for fault in cross_check(policy, kinds)]
    if faults:
        raise Refused(faults)
    if chosen is not None:
        read = fields_read(chosen)
        loaded = [resource_types.narrowed(type_, read[type_.kind.name]) for type_ in loaded]
    return House(tuple(policies), tuple(loaded))


def fields_read(policies: Iterable[Policy]) -> dict[str, set[str]]:
    """Return for each kind the fields that policies read of it, as the judged asset or as another."""
    fields: dict[str, set[str]] = defaultdict(set)
    for policy in policies:
        fields[policy.form.kind] |= policy.reads["r"]
        for name, other in policy.others.items():
            fields[other.kind] |= policy.reads[name] | ({other.key} if other.key else set())
    return fields


def cross_check(policy: Policy, kinds: Mapping[str, Kind]) -> Iterator[Fault]:
    """Yield what a policy says of kinds that do not exist, or of fields that a kind does not have."""
    roots = {"r": policy.form.kind} | {name: other.kind for name, other in policy.others.items()}
    for root, kind in roots.items():
        if kind not in kinds:
            yield policy.document.fault(("kind",) if root == "r" else ("with", root), f"there is no kind {kind!r}")
            continue
        for path, expression in policy.expressions:
            for field in sorted(expression.reads.get(root, frozenset()) - kinds[kind].fields):
                place = expression.place_of(field)
                yield policy.document.fault_in_text(path, *place, f"{kind} has no field {field!r}")
    for name, other in policy.others.items():
        if other.key and other.kind in kinds and other.key not in kinds[other.kind].fields:
            yield policy.document.fault(("with", name, "key"), f"{other.kind} has no field {other.key!r}")
