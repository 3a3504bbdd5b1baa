"""What every detector says alike: a verdict on an asset, and whose name it has where nothing could be listed."""

from catalog.checkov import Adopted
from catalog.policies import Policy
from model.asset import Asset, Listing, Place
from model.finding import Element, Status, Verdict
from model.text import Text, printable

# What a verdict may hold, whoever wrote the policy: it is kept, sent and answered many times.
_MOST_ELEMENTS = 200
LONGEST_REASON = 500


def verdict(
    judging: Policy | Adopted,
    asset: Asset,
    status: Status,
    reason: str = "",
    message: Text | None = None,
    elements: tuple[Element, ...] = (),
) -> Verdict:
    """Return what a policy or an adopted check (`judging`) says of an asset: the status, for which reason.

    The message is for people, and the elements are the places within the asset that it is about.
    """
    return Verdict(
        policy=judging.id,
        severity=judging.form.severity,
        kind=asset.kind,
        resource=asset.resource,
        name=asset.name,
        scope=asset.scope,
        region=asset.region,
        status=status,
        reason=printable(reason[:LONGEST_REASON]),
        message=message,
        elements=elements[:_MOST_ELEMENTS],
        key=asset.key,
    )


def unlisted(listing: Listing, place: Place) -> Asset:
    """Return what stands for the assets of a listing that was not whole: the place itself, by the listing's name."""
    return Asset(
        kind=listing.kind,
        resource=place.account_resource,
        name=place.account,
        scope=listing.scope,
        region=listing.region,
        body={},
        body_hash="",
        key=f"listing {listing.region}" + (f" {listing.kind}" if listing.family else ""),
    )


def kinds_of(seen: Asset | Listing) -> tuple[str, ...]:
    """Return the names under which policies and checks look at what was seen: its kind, and its family's."""
    return (seen.kind, seen.family) if seen.family else (seen.kind,)
