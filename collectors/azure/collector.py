"""One Azure subscription that was entered, or the directory itself."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from msgspec import Struct

from collectors.azure.reader import ListReading, ReadCloud, TableLook, TableReading
from collectors.azure.resource_types import ResourceType
from collectors.looking import Reading, look
from model.asset import Asset, Listing, Place


class AzureCollector(Struct, frozen=True):
    """A client of a subscription or directory, with the types that are looked for there.

    `directory` is the directory's id; `hidden` says of kinds why we may not see them: Resource Graph leaves out what a
    caller has no permission for, and does not say so. `whole` looks at everything, and keeps raw what has no type.
    """

    cloud: ReadCloud
    place: Place
    types: Sequence[ResourceType]
    directory: str
    hidden: Mapping[str, str] = {}
    whole: bool = True

    def collect(self) -> Iterator[Asset | Listing]:
        """Yield everything in it."""
        yield from look(list(self._readings()))

    def _readings(self) -> Iterator[Reading]:
        names = {"subscription": self.place.account, "directory": self.directory}
        if self.place.account == self.directory:
            yield from (ListReading(self.cloud, self.place, names, t) for t in self.types if t.of_directory)
            return
        for table, types in self._tables().items():
            whole = self.whole and table == "resources"
            yield TableReading(self.cloud, self.place, names, TableLook(table, types, self.hidden, whole=whole))
        for type_ in self.types:
            if type_.call is not None and not type_.of_directory:
                yield ListReading(self.cloud, self.place, names, type_)

    def _tables(self) -> dict[str, list[ResourceType]]:
        listed = sorted((t for t in self.types if t.form.table), key=lambda t: t.form.table or "")
        tables = {table or "": list(types) for table, types in groupby(listed, key=lambda t: t.form.table)}
        return ({"resources": []} if self.whole else {}) | tables
