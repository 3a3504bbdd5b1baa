"""Listings that suddenly show far less than before are not believed at once: the next whole one decides.

A reply that is well-formed and wrong (rights that were narrowed, a service that has lost its index) looks like many
resources that are gone.
"""

from collections import Counter
from collections.abc import Collection, Mapping

from msgspec import Struct

from model.tenant import SUDDEN_LOSS, SuddenLoss
from store.rows import Gap

# A scope, a kind, and the region that was asked, or `global`.
Key = tuple[str, str, str]


class Loss(Struct, frozen=True):
    """What is held back: how many each listing showed before the scan, and which were held back in the last one."""

    before: Mapping[Key, int]
    pending: Collection[Key]
    transient: Collection[str]

    def held_back(self, listings: Mapping[Key, str], shown: Counter[Key], limits: SuddenLoss) -> dict[Key, str]:
        """Return the causes of listings, with those that are not believed yet.

        `listings` has a cause for each that ended, empty where it was whole; `shown` counts resources by scope, kind
        and their own region; `limits` are the tenant's. What comes and goes by itself (`transient` kinds) is believed.
        """
        causes = dict(listings)
        before, now = _by_listing(self.before, listings), _by_listing(shown, listings)
        for key, cause in listings.items():
            if cause and key in self.pending:
                causes[key] = f"{cause} (after {SUDDEN_LOSS})"
            if cause or key in self.pending or key[1] in self.transient:
                continue
            if before[key] >= limits.least and now[key] * 100 < before[key] * limits.percent:
                causes[key] = f"{SUDDEN_LOSS} {now[key]}/{before[key]}"
        return causes


def pending_of(gaps: Collection[Gap]) -> frozenset[Key]:
    """Return the listings that a scan with these gaps held back, or left as they were held back before."""
    return frozenset((gap.scope, gap.kind, gap.region) for gap in gaps if not gap.detail and SUDDEN_LOSS in gap.cause)


def _by_listing(counts: Mapping[Key, int], listings: Mapping[Key, str]) -> Counter[Key]:
    """Return counts of resources by the listing that shows them: one of all regions goes before those of one."""
    found: Counter[Key] = Counter()
    for (scope, kind, region), number in counts.items():
        whole = (scope, kind, "global")
        found[whole if whole in listings else (scope, kind, region)] += number
    return found
