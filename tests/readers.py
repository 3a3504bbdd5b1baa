"""Which policies read what an operation tells, and how verdicts and stores are compared."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from msgspec.structs import replace

from catalog.checkov import Adopted
from catalog.policies import Policy
from model.asset import Asset
from model.finding import Verdict
from pipeline.assembly import Catalog
from store.home import Home
from tests.recorded_clouds import catalog, types_of

Key = tuple[str, str]


@lru_cache(maxsize=1)
def known() -> Catalog:
    """Return the catalog with those adopted checks that nothing of ours asks too: the others only repeat ours."""
    return replace(catalog(), adopted=tuple(one for one in catalog().adopted if one.form.also is None))


def denied_readers(service: str, op: str) -> set[str]:
    """The policies that read something which this operation returns, of their own kind or another."""
    readers = set()
    for judging in (judging for judging in known().judging if judging.provider == "aws"):
        for kind, fields in reads(judging):
            form = next(t.form for t in types_of(catalog(), "aws") if t.form.kind == kind)
            if form.service != service:
                continue
            details = {name for name, detail in form.details.items() if detail.op == op}
            listed = {op for op, _ in form.listing.operations()} if form.listing else set()
            if op in listed or fields & details or in_its_name(form.arn, details):
                readers.add(judging.id)
    return readers


def reads(judging: Policy | Adopted) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield the kinds that a policy or an adopted check looks at, each with the fields that it reads of it."""
    if isinstance(judging, Adopted):
        yield from ((kind, judging.fields) for kind in judging.form.kinds)
        return
    yield judging.form.kind, judging.compiled.reads["r"]
    yield from ((other.kind, judging.compiled.reads[name]) for name, other in judging.compiled.others.items())


def in_its_name(arn: str, details: set[str]) -> bool:
    return any(f"${{{detail}." in arn or f"${detail}" in arn for detail in details)


def same(one: Verdict, other: Verdict) -> bool:
    """A bucket whose location is not known stands under `global`; everything else has to be equal."""
    return replace(one, region="") == replace(other, region="")


def state(home: Home) -> tuple[set[str], set[tuple[str, str]]]:
    with home.tenant("aozora").read() as reader:
        return {a.uid for a in reader.current_assets()}, {(f.uid, f.state) for f in reader.findings(None)}


_RECORDED = "recorded replies, all of them"


def lacking(assets: Iterable[Asset], types: Iterable[Any]) -> list[str]:
    """Return the fields whose source are recordings, by type files, and that are not in two at least, and in all."""
    seen = defaultdict[str, list[Asset]](list)
    for asset in assets:
        seen[asset.kind].append(asset)
    said = [(type_.name, field) for type_ in types for field in type_.form.always.get(_RECORDED, [])]
    assert said, "some type has recordings as its source"
    return [
        f"{kind} {field}"
        for kind, field in said
        if len(seen[kind]) < 2 or not all(field in asset.body for asset in seen[kind])
    ]
