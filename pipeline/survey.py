"""One look at one place: everything that was seen, with the verdicts on it."""

from collections.abc import Iterator

from msgspec import Struct

from collectors.aws.engine import collect
from collectors.aws.reader import ReadCloud
from detectors.posture.judge import Moment
from detectors.posture.posture import Posture
from model.asset import Asset, Listing, Place
from model.finding import Verdict
from pipeline.assembly import House


class Observation(Struct, frozen=True):
    """What was seen (nothing for the verdicts that waited for the end), and what is to be said of it."""

    seen: Asset | Listing | None
    verdicts: list[Verdict]


def survey(cloud: ReadCloud, house: House, place: Place, moment: Moment) -> Iterator[Observation]:
    """Yield observations while they come in: collectors → assets → verdicts."""
    posture, seen = Posture(house.policies, moment, allowances=house.allowances), set[str]()
    for listing in _unread(house, place):
        yield Observation(listing, posture.hear(listing, place))
    for event in collect(cloud, house.types, place):
        if isinstance(event, Asset):
            if event.uid in seen:  # a listing that changes while it pages may show a resource twice
                continue
            seen.add(event.uid)
            yield Observation(event, posture.see(event))
        else:
            yield Observation(event, posture.hear(event, place))
    for verdict in posture.end():
        yield Observation(None, [verdict])


def _unread(house: House, place: Place) -> Iterator[Listing]:
    """Yield the regional listings that could not even begin, because the regions are not known."""
    for cause in place.unread.values():
        for type_ in house.types:
            if type_.form.scope == "region":
                yield Listing(place.scope, type_.kind.name, "other-regions", cause)
