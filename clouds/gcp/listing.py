"""What a listing of Cloud Asset is asked for; without the SDK, which takes a second to import."""

from typing import Literal

from msgspec import Struct

Content = Literal["RESOURCE", "IAM_POLICY", "ORG_POLICY"]


class Ask(Struct, frozen=True):
    """One listing of a parent (`projects/ID`, `folders/N`, `organizations/N`): what, and of which types (none: all)."""

    parent: str
    content: Content
    asset_types: tuple[str, ...] = ()
