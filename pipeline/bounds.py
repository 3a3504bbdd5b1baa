"""How far a tenant's file leads outside: which addresses may be reached, and which programs may be started for it."""

from collections.abc import Sequence

from msgspec import Struct

from outgoing.border import Border


class Bounds(Struct, frozen=True):
    """What the installation's file allows a tenant beside the public internet.

    `plug_ins` are the programs that its kubeconfigs may have started, by absolute path. `passed_on` are the variables
    of the service's environment that programs of any kubeconfig see.
    """

    border: Border = Border()
    plug_ins: Sequence[str] = ()
    passed_on: Sequence[str] = ()
