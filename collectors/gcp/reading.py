"""One content of one place while Cloud Asset lists it."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from clouds.call_failed import CallFailed
from clouds.gcp.listing import Ask, Content
from collectors.ahead import ahead

Row = dict[str, Any]

# What each content takes, by Google's page on listing assets.
PERMISSIONS: dict[Content, str] = {
    "RESOURCE": "cloudasset.assets.listResource",
    "IAM_POLICY": "cloudasset.assets.listIamPolicy",
    "ORG_POLICY": "cloudasset.assets.listOrgPolicy",
}
_NOT_SUPPORTED = "INVALID_ARGUMENT"  # also: a type that Cloud Asset does not know


class ReadAssets(Protocol):
    """What reading needs of a client."""

    def pages(self, ask: Ask) -> Iterator[Iterator[Row]]:
        """Yield a listing's pages of assets in JSON form; raises `CallFailed`."""
        ...


class GcpReading:
    """A listing of all types of a place, or of those named; what of it failed is known when its rows have ended."""

    def __init__(self, cloud: ReadAssets, parent: str, content: Content, asset_types: Sequence[str] = ()) -> None:
        self._cloud = cloud
        self._parent = parent
        self._content = content
        self._asset_types = tuple(asset_types)
        self._failed: dict[str, str] = {}

    @property
    def permission(self) -> str:
        """Return the permission that it takes."""
        return PERMISSIONS[self._content]

    def rows(self) -> Iterator[Row]:
        """Yield every asset; it ends early where the listing fails."""
        yield from self._rows(self._asset_types)

    def cause(self, asset_type: str) -> str:
        """Return why a type was not listed whole, the empty text where it was."""
        return self._failed.get(asset_type) or self._failed.get("", "")

    def _rows(self, asset_types: tuple[str, ...]) -> Iterator[Row]:
        begun = False
        try:
            for page in ahead(self._cloud.pages(Ask(self._parent, self._content, asset_types))):
                begun = True
                yield from page
        except CallFailed as failure:
            if failure.code == _NOT_SUPPORTED and len(asset_types) > 1 and not begun:
                for asset_type in asset_types:  # one that is not known must not hide the others
                    yield from self._rows((asset_type,))
                return
            cause = f"{self.permission} {failure.code}"
            self._failed |= dict.fromkeys(asset_types or ("",), cause)
