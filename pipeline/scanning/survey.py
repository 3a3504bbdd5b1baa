"""One look at one place: everything that was seen, with the verdicts on it."""

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from detectors.checkov.checkov import Checkov
from detectors.panel import Panel
from detectors.posture.judge import Moment
from detectors.posture.posture import Posture
from model.asset import Asset, Listing, missing_named
from model.collector import Collector
from model.finding import Verdict
from model.worker import Worker
from pipeline.assembly import Catalog


class Observation(Struct, frozen=True):
    """What was seen (nothing for the verdicts that waited for the end), and what is to be said of it."""

    seen: Asset | Listing | None
    verdicts: list[Verdict]


def survey(collector: Collector, catalog: Catalog, moment: Moment, checkov: Worker) -> Iterator[Observation]:
    """Yield observations of a collector while they come in: its assets, with the verdicts of the catalog at a moment.

    `checkov` answers for the adopted checks.
    """
    place = collector.place
    moment = replace(moment, regions=place.regions if place.partial else ())
    posture = Posture(catalog.policies, moment, allowances=catalog.allowances)
    panel, seen = Panel(posture, Checkov(catalog.adopted, checkov, catalog.policies)), set[str]()
    always = {type_.name: type_.always for type_ in catalog.every_type}
    for event in collector.collect():
        if isinstance(event, Listing):
            yield Observation(event, panel.hear(event, place))
        elif event.uid not in seen:  # a listing that changes while it pages may show a resource twice
            seen.add(event.uid)
            asset = missing_named(event, always.get(event.kind, ()))
            if place.covers(asset.region):
                yield Observation(asset, panel.see(asset))
            else:  # a global listing shows resources of all regions
                panel.note(asset)
    for verdict in panel.end():
        yield Observation(None, [verdict])
