"""What a provider's parser makes of recorded exchanges."""

from typing import Literal

from msgspec import Struct

Outcome = Literal["asset", "unknown-type", "malformed"]


class Parsed(Struct, frozen=True):
    """What became of one resource; `id` is the exchange's path where it has none."""

    kind: str
    id: str
    outcome: Outcome
