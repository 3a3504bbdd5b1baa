"""One look at one place: everything that was seen, with the verdicts on it."""

from collections.abc import Iterator

from msgspec import Struct

from detectors.checkov.checkov import Checkov
from detectors.posture.judge import Moment
from detectors.posture.posture import Posture
from model.asset import Asset, Listing
from model.finding import Verdict
from model.sight import Sight
from pipeline.assembly import House
from pipeline.checkov import worker


class Observation(Struct, frozen=True):
    """What was seen (nothing for the verdicts that waited for the end), and what is to be said of it."""

    seen: Asset | Listing | None
    verdicts: list[Verdict]


def survey(sight: Sight, house: House, moment: Moment) -> Iterator[Observation]:
    """Yield observations while they come in: collectors → assets → verdicts."""
    posture, seen = Posture(house.policies, moment, allowances=house.allowances), set[str]()
    with worker() as child:
        checkov = Checkov(house.adopted, child, [policy.id for policy in house.policies])
        for event in sight.look():
            if isinstance(event, Asset):
                if event.uid in seen:  # a listing that changes while it pages may show a resource twice
                    continue
                seen.add(event.uid)
                ours = posture.see(event)
                checkov.note(ours)
                yield Observation(event, ours + checkov.see(event))
            else:
                yield Observation(event, posture.hear(event, sight.place) + checkov.hear(event, sight.place))
        for verdict in posture.end():
            checkov.note([verdict])
            yield Observation(None, [verdict])
        for verdict in checkov.end():
            yield Observation(None, [verdict])
