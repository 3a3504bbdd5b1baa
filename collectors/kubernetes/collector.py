"""One Kubernetes cluster that was entered."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from collectors.kubernetes.control_plane import ControlPlane
from collectors.kubernetes.owners import sorted_out
from collectors.kubernetes.reading import KubernetesReading, Maker, ReadObjects
from collectors.kubernetes.resource_types import ResourceType
from collectors.looking import Reading as ListingOf
from collectors.looking import look
from model.asset import Asset, Listing, Place


class KubernetesCollector(Struct, frozen=True):
    """A client of a cluster, its place, and the types that are looked for there."""

    client: ReadObjects
    place: Place
    types: Sequence[ResourceType]

    def collect(self) -> Iterator[Asset | Listing]:
        """Yield every asset of the cluster while it is read, and one `Listing` for each type that ended.

        The client is closed at the end: a cluster is looked at once.
        """
        maker = Maker(self.place)
        readings: list[ListingOf] = [
            KubernetesReading(self.client, maker, t) for t in self.types if not t.form.component
        ]
        if components := [type_ for type_ in self.types if type_.form.component]:
            readings.append(ControlPlane(self.client, maker, components))
        try:
            yield from sorted_out(look(readings), self.types)
        finally:
            self.client.close()
