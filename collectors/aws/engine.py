"""One engine reads every AWS type: listings page by page, details while the listing still pages."""

from collections.abc import Iterator, Sequence

from clouds.aws.login import home_region
from collectors.aws.reader import AwsReader, ReadCloud, ReadTask
from collectors.aws.resource_types import ResourceType
from collectors.looking import look
from model.asset import Asset, Listing, Place


def collect(cloud: ReadCloud, types: Sequence[ResourceType], place: Place) -> Iterator[Asset | Listing]:
    """Yield every asset of the types in the place, and one `Listing` for each listing that ended.

    The cloud is asked as its client does it. A failed listing says its cause; a failed detail stands in
    `Asset.unknown`. A global listing may show resources of regions outside the place too.
    """
    readers = [
        AwsReader(cloud, place, ReadTask(type_, region, label))
        for type_ in types
        for region, label in (
            [(home_region(place.partition), "global")]
            if type_.form.scope == "global"
            else [(region, region) for region in place.regions]
        )
    ]
    yield from look(readers, cloud.forget)
