"""One look at one place: everything that was seen, with the verdicts on it."""

from collections.abc import Iterator

from msgspec import Struct

from detectors.checkov.checkov import Checkov
from detectors.posture.judge import Moment
from detectors.posture.posture import Posture
from model.asset import Asset, Listing
from model.finding import Verdict
from model.sight import Sight
from model.worker import Worker
from pipeline.assembly import House


class Observation(Struct, frozen=True):
    """What was seen (nothing for the verdicts that waited for the end), and what is to be said of it."""

    seen: Asset | Listing | None
    verdicts: list[Verdict]


def survey(sight: Sight, house: House, moment: Moment, checkov: Worker) -> Iterator[Observation]:
    """Yield observations while they come in: collectors → assets → verdicts."""
    posture, seen = Posture(house.policies, moment, allowances=house.allowances), set[str]()
    adopted = Checkov(house.adopted, checkov, house.policies)
    for event in sight.look():
        if isinstance(event, Asset):
            if event.uid in seen:  # a listing that changes while it pages may show a resource twice
                continue
            seen.add(event.uid)
            yield Observation(event, adopted.see(event, posture.see(event)))
        else:
            yield Observation(event, posture.hear(event, sight.place) + adopted.hear(event, sight.place))
    yield Observation(None, adopted.end())
    for verdict in posture.end():
        yield Observation(None, [adopted.sourced(verdict)])
