"""All policies over all assets of one scope, while they come in."""

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from catalog.evaluator import Allowance, Spent
from catalog.expression import EvaluationError, Expression, OutOfTime
from catalog.policies import Other, Policy
from detectors.posture.judge import Known, Moment, Related, unknown
from detectors.verdicts import kinds_of, unlisted
from model.asset import Asset, Listing, Place
from model.finding import Verdict
from semantics.shapes import Fit, FoundNull, Misfit, fit_of


class Posture:
    """Judges assets as they are seen; policies that look at other assets too wait for the end.

    Of the assets that are waited with, only the fields that are read stay in memory.
    """

    def __init__(
        self,
        policies: Sequence[Policy],
        moment: Moment,
        known: Known | None = None,
        allowances: Mapping[str, Allowance] | None = None,
    ) -> None:
        """Take policies, and how much time those of others may take, by id."""
        self._moment = moment
        self._policies = policies
        self._allowances = allowances or {}
        self._known = known or Known()
        self._at_once: dict[str, list[Policy]] = defaultdict(list)
        self._waiting: dict[str, list[Policy]] = defaultdict(list)
        for policy in policies:
            (self._waiting if policy.compiled.others else self._at_once)[policy.form.kind].append(policy)
        self._kept_fields = _kept_fields(policies)
        self._kept: dict[str, list[Asset]] = defaultdict(list)
        self._unlisted: dict[str, list[Listing]] = defaultdict(list)  # at most one per kind and region
        self._partial = set[str]()
        self._beyond = set[int]()

    def note(self, asset: Asset) -> None:
        """Keep what others need of an asset that is not judged itself: it lies where nobody looks."""
        self._beyond |= {id(kept) for kept in self._keep(asset)}

    def see(self, asset: Asset) -> list[Verdict]:
        """Return the verdicts that need nothing but this asset, and keep what others need of it."""
        self._keep(asset)
        return [self._judge(policy, asset) for kind in kinds_of(asset) for policy in self._at_once[kind]]

    def hear(self, listing: Listing, place: Place) -> list[Verdict]:
        """Note a listing that has ended; return an unknown verdict per policy where it was not whole."""
        if listing.partial:
            self._partial |= set(kinds_of(listing))
        known = self._unlisted[listing.kind]
        if not listing.cause or any(earlier.region == listing.region for earlier in known):
            return []
        for kind in kinds_of(listing):
            self._unlisted[kind].append(listing)
        judged = [policy for policy in self._policies if policy.form.kind in kinds_of(listing)]
        return [unknown(policy, unlisted(listing, place), f"listing: {listing.cause}") for policy in judged]

    def end(self) -> Iterable[Verdict]:
        """Return the verdicts that waited, now that everything was seen."""
        index = Index(self._kept, self._unlisted, self._partial)
        for kind, policies in self._waiting.items():
            for asset in self._kept[kind]:
                for policy in policies if id(asset) not in self._beyond else ():
                    yield self._judge(policy, asset, index)

    def _keep(self, asset: Asset) -> list[Asset]:
        kept = []
        for kind in kinds_of(asset):
            if (fields := self._kept_fields.get(kind)) is not None:
                body = {key: value for key, value in asset.body.items() if key in fields}
                kept.append(replace(asset, body=body))
                self._kept[kind].append(kept[-1])
        return kept

    def _judge(self, policy: Policy, asset: Asset, index: "Index | None" = None) -> Verdict:
        allowance = self._allowances.get(policy.id)
        if allowance is None:
            return self._judge_freely(policy, asset, index)
        try:
            with allowance:
                return self._judge_freely(policy, asset, index)
        except Spent as spent:
            return unknown(policy, asset, str(spent))
        except (TypeError, ValueError, LookupError, AttributeError) as problem:  # somebody else's text ends no scan
            return unknown(policy, asset, f"cannot be judged ({type(problem).__name__})")

    def _judge_freely(self, policy: Policy, asset: Asset, index: "Index | None") -> Verdict:
        related = index.related(policy, asset, self._moment) if index else {}
        return self._known.judge(policy, asset, related, self._moment)


def bound(other: Other, related: Related) -> Any:
    """Return what another name (`other`) is bound to in expressions that find more: bodies, or the only one."""
    bodies = [asset.body for asset in related.assets]
    return bodies if other.many else next(iter(bodies), {})


class Index:
    """Finds the assets that a policy looks at beside its own.

    Of `partial` kinds more may lie in regions where nobody looked.
    """

    def __init__(
        self, kept: Mapping[str, list[Asset]], unlisted: Mapping[str, list[Listing]], partial: Collection[str] = ()
    ) -> None:
        self._kept = kept
        self._unlisted = unlisted
        self._partial = partial
        self._by_key: dict[tuple[str, str], dict[str, list[Asset]]] = {}
        self._by_owner: dict[tuple[str, str], _Owned] = {}
        self._fitting = set[tuple[int, int]]()
        self._asked: Asset | None = None
        self._keys: dict[tuple[str, tuple[int, ...]], list[str]] = {}

    def related(self, policy: Policy, asset: Asset, moment: Moment) -> dict[str, Related]:
        """Return what the policy's other names stand for, for an asset at a moment.

        A reference may go by what an earlier one found.
        """
        found: dict[str, Related] = {}
        names = names_of(asset, moment)
        for name, other in policy.compiled.others.items():
            unread = _unread(other, found) or self._beyond(policy, other, moment)
            found[name] = Related((), unread) if unread else self.find(other, asset, names)
            if (fit := policy.compiled.fits.get(name)) is not None:
                found[name] = self._looked_at(fit, found[name])
            names[name] = bound(other, found[name])
        return found

    def _beyond(self, policy: Policy, other: Other, moment: Moment) -> str:
        """Return why it does not do to have all of a kind that was seen, empty where it does.

        What an asset refers to, and what belongs to it, lies in its own region.
        """
        if not other.many or other.of is not None or other.kind not in self._partial or policy.compiled.minds_regions:
            return ""
        return f"only {', '.join(moment.regions)} was looked at"

    def _looked_at(self, fit: Fit, related: Related) -> Related:
        """Return what was found with whether it is understood: each asset is looked at once for each policy."""
        try:
            for asset in related.assets:
                if (id(fit), id(asset)) not in self._fitting:
                    fit(asset.body)
                    self._fitting.add((id(fit), id(asset)))  # both live as long as this index
        except (Misfit, FoundNull):
            return related  # whoever judges says what it is
        return Related(related.assets, related.cause, understood=True)

    def find(self, other: Other, asset: Asset, names: Mapping[str, Any]) -> Related:
        """Return what another name (`other`) stands for, for an asset.

        `names` are the bodies that an expression may go by.
        """
        if not other.many:
            return self._one(other.kind, asset.region)
        if other.of is None:
            return Related(tuple(self._kept.get(other.kind, ())), self._cause(other.kind))
        if other.by is not None:
            return self._belonging(other.by, other, asset, names)
        return self._referenced(other, asset, names)

    def _one(self, kind: str, region: str) -> Related:
        candidates = self._kept.get(kind, [])
        near = [a for a in candidates if a.region == region] or [a for a in candidates if a.region == "global"]
        if len(near) == 1:
            return Related((near[0],))
        return Related((), self._cause(kind) or ("was not read" if not near else "is not unique"))

    def _referenced(self, other: Other, asset: Asset, names: Mapping[str, Any]) -> Related:
        keys = self._references(other, asset, names)
        if isinstance(keys, str):
            return Related((), keys)
        by_key = self._keyed(other.kind, other.key)
        near = {key: [a for a in by_key.get(key, []) if _is_near(a, asset)] for key in keys}
        found = tuple(neighbour for neighbours in near.values() for neighbour in neighbours)
        lost = [key for key in keys if not near[key]]
        return Related(found, (self._cause(other.kind, asset.key) or f"{lost[0]} was not read") if lost else "")

    def _belonging(self, by: Expression, other: Other, asset: Asset, names: Mapping[str, Any]) -> Related:
        keys = self._references(other, asset, names)
        if isinstance(keys, str):
            return Related((), keys)
        if not keys:
            return Related(())
        if (other.kind, by.source) not in self._by_owner:
            self._by_owner[other.kind, by.source] = _Owned(by, self._kept.get(other.kind, []))
        try:
            owned = self._by_owner[other.kind, by.source].whole()
        except OutOfTime as problem:
            return Related((), str(problem))
        found = {id(one): one for key in keys for one in owned.get(key, []) if _is_near(one, asset)}
        lost = [one for one in owned.get(_NOBODY_KNOWS, []) if _is_near(one, asset)]
        unplaced = f"{lost[0].name}: whose it is cannot be determined" if lost else ""
        return Related(tuple(found.values()), self._cause(other.kind, asset.key) or unplaced)

    def _references(self, other: Other, asset: Asset, names: Mapping[str, Any]) -> list[str] | str:
        """Return what an asset refers to, or why that is not known; policies often ask the same of it in a row."""
        assert other.of is not None, "a reference has an expression"
        if self._asked is not asset:
            self._asked, self._keys = asset, {}
        # By what it goes: the asset itself, and what other names stand for, which several policies mostly find alike.
        among = tuple(id(body) for name in sorted(other.of.reads.keys() - {"r"}) for body in _bodies(names[name]))
        if (known := self._keys.get((other.of.source, among))) is not None:
            return known
        found = _evaluated(other.of, asset, names)
        if not isinstance(found, str):  # what has failed may have been an accident
            self._keys[other.of.source, among] = found
        return found

    def _keyed(self, kind: str, key: str) -> dict[str, list[Asset]]:
        if (kind, key) not in self._by_key:
            index: dict[str, list[Asset]] = defaultdict(list)
            for asset in self._kept.get(kind, []):
                index[str(asset.body.get(key, ""))].append(asset)
            self._by_key[kind, key] = dict(index)
        return self._by_key[kind, key]

    def _cause(self, kind: str, key: str = "") -> str:
        """Return why a kind was not listed whole: of what has a region's `key`, that region's listing counts."""
        failed = [one for one in self._unlisted.get(kind, ()) if not key or one.region in (key, _EVERYWHERE)]
        return f"{failed[0].cause} in {failed[0].region}" if failed else ""


def names_of(asset: Asset, moment: Moment) -> dict[str, Any]:
    """Return what references of an asset may go by at a moment, beside what earlier references found."""
    return {"r": asset.body, "scope": asset.scope, "now": moment.now, "settings": {}, "regions": list(moment.regions)}


def _is_near(neighbour: Asset, asset: Asset) -> bool:
    """Return whether a neighbour is one that an asset can mean.

    What is listed by region refers to its own region; an equal name elsewhere is another resource.
    """
    return not (neighbour.key and asset.key) or neighbour.key == asset.key


def _bodies(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


_EVERYWHERE = "global"
_NOBODY_KNOWS = None  # here stand those of which it cannot be determined whose they are


class _Owned:
    """Assets by whom they belong to.

    Each is asked once. Where the time of somebody's own policy ends meanwhile, the next resource goes on from there.
    """

    def __init__(self, by: Expression, assets: Iterable[Asset]) -> None:
        self._by = by
        self._fits = [fit_of(shape) for shape in by.expects.values()]
        self._waiting = deque(assets)
        self._placed: dict[str | None, list[Asset]] = defaultdict(list)

    def whole(self) -> Mapping[str | None, list[Asset]]:
        while self._waiting:
            for owner in self._owners(self._waiting[0]):
                self._placed[owner].append(self._waiting[0])
            self._waiting.popleft()
        return self._placed

    def _owners(self, asset: Asset) -> Collection[str | None]:
        if _read(self._by) & asset.unknown.keys():
            return (_NOBODY_KNOWS,)
        try:
            for fit in self._fits:
                fit(asset.body)
            reported = self._by.evaluate({"o": asset.body})
        except OutOfTime:
            raise
        except (EvaluationError, Misfit, FoundNull):
            return (_NOBODY_KNOWS,)
        owners = reported if isinstance(reported, list) else [reported]
        return dict.fromkeys(owners) if all(isinstance(owner, str) for owner in owners) else (_NOBODY_KNOWS,)


def _read(by: Expression) -> frozenset[str]:
    return frozenset().union(*by.reads.values())


def _evaluated(of: Expression, asset: Asset, names: Mapping[str, Any]) -> list[str] | str:
    if missing := of.reads.get("r", frozenset()) & asset.unknown.keys():
        return asset.unknown[min(missing)]
    try:
        keys = of.evaluate(names)
    except EvaluationError as problem:
        return f"reference: {problem}"
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        return "reference: not a list of texts"
    return list(dict.fromkeys(keys))


def _unread(other: Other, found: Mapping[str, Related]) -> str:
    """Return why what a reference goes by is not all known, empty where it is."""
    for earlier, fields in (other.of.reads if other.of else {}).items():
        if earlier not in found:
            continue
        if found[earlier].cause:
            return found[earlier].cause
        for neighbour in found[earlier].assets:
            if unread := fields & neighbour.unknown.keys():
                return f"{neighbour.name}: {neighbour.unknown[min(unread)]}"
    return ""


def _kept_fields(policies: Iterable[Policy]) -> dict[str, set[str]]:
    fields: dict[str, set[str]] = defaultdict(set)
    for policy in policies:
        if policy.compiled.others:
            fields[policy.form.kind] |= policy.compiled.reads["r"]
        for name, other in policy.compiled.others.items():
            fields[other.kind] |= policy.compiled.reads[name] | ({other.key} if other.key else set())
    return fields
