"""All detectors as one: what is said of the same resource twice is said once, with its second source."""

from collections.abc import Iterator

from detectors.checkov.checkov import Checkov
from detectors.posture.posture import Posture
from model.asset import Asset, Listing, Place
from model.finding import Verdict


class Panel:
    """Our own policies and the adopted checks over one scope, while its assets come in.

    Ours are asked first, and are through last: what checkov says of the same is known by then.
    """

    def __init__(self, posture: Posture, checkov: Checkov) -> None:
        self._posture = posture
        self._checkov = checkov

    def note(self, asset: Asset) -> None:
        """Keep what policies need of an asset that is not judged itself: it lies where nobody looks."""
        self._posture.note(asset)

    def see(self, asset: Asset) -> list[Verdict]:
        """Return the verdicts that are known by now, of this asset or of earlier ones."""
        return self._checkov.see(asset, self._posture.see(asset))

    def hear(self, listing: Listing, place: Place) -> list[Verdict]:
        """Return an unknown verdict for whatever a listing that was not whole keeps from being judged."""
        return self._posture.hear(listing, place) + self._checkov.hear(listing, place)

    def end(self) -> Iterator[Verdict]:
        """Yield the verdicts that waited, now that everything was seen."""
        yield from self._checkov.end()
        yield from map(self._checkov.sourced, self._posture.end())
