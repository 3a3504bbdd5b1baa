"""One AWS account that was entered."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from collectors.aws.engine import collect
from collectors.aws.reader import ReadCloud
from collectors.aws.resource_types import ResourceType
from model.asset import Asset, Listing, Place


class AwsCollector(Struct, frozen=True):
    """A client of an account, with the types that are looked for there."""

    cloud: ReadCloud
    place: Place
    types: Sequence[ResourceType]

    def collect(self) -> Iterator[Asset | Listing]:
        """Yield everything in the account; first the listings that cannot even begin, because regions are not known."""
        for cause in self.place.unread.values():
            for type_ in self.types:
                if type_.form.scope == "region":
                    yield Listing(self.place.scope, type_.name, "other-regions", cause)
        yield from collect(self.cloud, self.types, self.place)
