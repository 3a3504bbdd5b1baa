"""Customers' own policies: the same form as ours, compiled and evaluated in a process of their own."""

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from catalog.evaluator import COMMAND, Allowance, Spent, elsewhere
from catalog.policies import Policy, compile_policy
from catalog.yaml_reader import Document, content, parse
from detectors.posture import cases
from model.asset import Kind
from model.fault import Fault, Refused
from model.finding import OWN_POLICY
from model.terms import Capability
from model.worker import Worker
from pipeline.assembly import Catalog, cross_check, offered
from store.tenant import TenantStore
from workers.child import Child

MOST = 100
_CAPABILITY = "own-policies"
MOST_BYTES = 20_000


class CompiledPolicies(Struct, frozen=True):
    """A tenant's own policies, ready to judge, with what each may take; `broken` are those that do not fit any more."""

    policies: tuple[Policy, ...] = ()
    allowances: Mapping[str, Allowance] = {}
    broken: Mapping[str, str] = {}


class PolicyPlan(Struct, frozen=True):
    """What applying a set would do, by policy ids; it is made from the edition `before`."""

    before: int
    documents: dict[str, str]
    added: list[str]
    changed: list[str]
    withdrawn: list[str]

    @property
    def is_empty(self) -> bool:
        """Return whether nothing would change."""
        return not (self.added or self.changed or self.withdrawn)


def read_folder(folder: Path, kinds: Mapping[str, Kind]) -> dict[str, str]:
    """Return the texts of a folder's policies by id; raises `Refused` with all faults of all files.

    Everything is checked that ours are checked for, the cases too.
    """
    files = sorted(folder.rglob("*.yaml"))
    if not files:
        raise Refused([Fault(str(folder), 0, 0, "holds no policy (*.yaml)")])
    if len(files) > MOST:
        raise Refused([Fault(str(folder), 0, 0, f"holds {len(files)} policies; at most {MOST} are taken")])
    documents: dict[str, str] = {}
    faults: list[Fault] = []
    with Child(COMMAND) as worker:
        for file in files:
            try:
                raw = content(file, most=MOST_BYTES)
                document = parse(raw, str(file))
                policy = _checked(document, worker, kinds)
            except Refused as refused:
                faults += refused.faults
                continue
            if policy.id in documents:
                faults.append(document.fault(("id",), f"the id {policy.id!r} stands in another file too"))
            documents[policy.id] = raw.decode("utf-8")
    if faults:
        raise Refused(faults)
    return documents


def plan(store: TenantStore, documents: Mapping[str, str]) -> PolicyPlan:
    """Return what applying a whole set of texts would change; nothing is written."""
    with store.read() as reader:
        newest = reader.policies.newest()
    before = newest.documents
    return PolicyPlan(
        before=newest.number,
        documents=dict(documents),
        added=sorted(documents.keys() - before.keys()),
        changed=sorted(id_ for id_ in documents.keys() & before.keys() if documents[id_] != before[id_]),
        withdrawn=sorted(before.keys() - documents.keys()),
    )


def without(store: TenantStore, ids: Sequence[str]) -> PolicyPlan:
    """Return the plan of withdrawing some policies; raises `Refused` for one that does not hold."""
    with store.read() as reader:
        documents = reader.policies.newest().documents
    for id_ in ids:
        if id_ not in documents:
            raise Refused(f"{id_!r} is none of the tenant's own policies; see `hinomi policies list`")
    return plan(store, {id_: text for id_, text in documents.items() if id_ not in ids})


@contextlib.contextmanager
def catalog_of(
    catalog: Catalog, bought: Collection[Capability], store: TenantStore, go_on: Callable[[], None] = lambda: None
) -> Iterator[Catalog]:
    """Yield what was bought of the catalog, with the tenant's own policies while their process is there.

    These are the newest edition in its store, and judge only where that was bought too. `go_on` is asked before each
    resource that they judge; it raises where the whole is to stop.
    """
    catalog = offered(catalog, bought)
    with store.read() as reader:
        documents = reader.policies.newest().documents
    if not documents or _CAPABILITY not in bought:
        yield catalog
        return
    with Child(COMMAND) as worker:
        own = _judged(documents, worker, catalog.kinds, go_on)
        policies = (*catalog.policies, *own.policies)
        yield replace(catalog, policies=policies, allowances=own.allowances, broken=own.broken)


def _judged(
    documents: Mapping[str, str], worker: Worker, kinds: Mapping[str, Kind], go_on: Callable[[], None]
) -> CompiledPolicies:
    policies, allowances, broken = [], {}, {}
    for id_, text in sorted(documents.items()):
        allowance = Allowance(go_on=go_on)
        try:
            policy = _compiled(parse(text.encode(), id_), worker, allowance)
            if misfits := list(cross_check(policy, kinds)):
                raise Refused(misfits)
        except Refused as refused:
            broken[id_] = f"cannot be used: {refused.faults[0].problem}"
            continue
        policies.append(policy)
        allowances[id_] = allowance
    return CompiledPolicies(tuple(policies), allowances, broken)


def _checked(document: Document, worker: Worker, kinds: Mapping[str, Kind]) -> Policy:
    """Return the policy of a document; raises `Refused` with every fault, of its cases too."""
    allowance = Allowance()
    policy = _compiled(document, worker, allowance)
    faults = list(cross_check(policy, kinds))
    if not policy.id.split(".")[2].startswith(OWN_POLICY):
        faults.append(document.fault(("id",), f"the last part of an own policy's id begins with {OWN_POLICY!r}"))
    if policy.form.remedy and not policy.form.remedy.split(".")[2].startswith(OWN_POLICY):
        faults.append(
            document.fault(("remedy",), f"is ours; the last part of an own remedy begins with {OWN_POLICY!r}")
        )
    if not faults:
        faults = _case_faults(policy, kinds, allowance)
    if faults:
        raise Refused(faults)
    return policy


def _case_faults(policy: Policy, kinds: Mapping[str, Kind], allowance: Allowance) -> list[Fault]:
    try:
        return list(cases.faults(policy, kinds, allowance))
    except Spent as spent:
        return [policy.document.fault(("cases",), str(spent))]


def _compiled(document: Document, worker: Worker, allowance: Allowance) -> Policy:
    with allowance:
        return compile_policy(document, elsewhere(worker, allowance))
