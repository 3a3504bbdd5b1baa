"""What a query of Azure Resource Graph looks at."""

from msgspec import Struct


class Subscriptions(Struct, frozen=True):
    """One subscription, or all below a management group."""

    subscription: str = ""
    management_group: str = ""
