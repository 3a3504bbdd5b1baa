"""Where a tenant's requests may go: a name is looked up once, its addresses are judged, and those are connected to."""

import socket
from collections.abc import Callable, Sequence
from ipaddress import ip_address

from msgspec import Struct

from model.fault import Refused
from outgoing.addresses import Network, is_public

# Names and port to addresses: of the machine's own resolver, but for tests.
Resolver = Callable[[str, int], Sequence[str]]
_MOST_TRIED = 8  # whoever has a name may give it thousands, each of which would be waited for
# One text, whatever stands at the address, and whether the name has one: it tells nobody what there is inside.
NOT_ALLOWED = (
    "the address is not allowed, or the name has none: check the spelling, or let the operator add its network "
    "under 'outgoing.allow' in installation.yaml"
)


class Denied(Refused):
    """Nothing was sent: the address is none that a tenant may reach, or cannot be known."""

    def __init__(self) -> None:
        super().__init__(NOT_ALLOWED)


class Looked(Struct, frozen=True):
    """What a name leads to: addresses that may be reached, and those that may not; neither where it cannot be found."""

    allowed: list[str] = []
    denied: list[str] = []


def resolved(host: str, port: int) -> list[str]:
    """Return the addresses of a name by the machine's own resolver, in its order; raises `OSError`, `UnicodeError`."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(where[0]) for *_, where in found))


class Border(Struct, frozen=True):
    """The public internet, and the networks that are allowed beside it.

    Connections over it are to literal addresses that were judged: nothing is looked up a second time.
    """

    allowed: Sequence[Network] = ()
    resolver: Resolver = resolved

    def look(self, host: str, port: int) -> Looked:
        """Return what a host leads to, be it a name or an address in any spelling that the resolver takes."""
        try:
            found = [ip_address(text) for text in self.resolver(host, port)] if host else []
        except (OSError, ValueError):  # UnicodeError among them
            return Looked()
        fit = [one for one in found if is_public(one) or any(one in network for network in self.allowed)]
        return Looked([str(one) for one in fit], [str(one) for one in found if one not in fit])

    def addresses(self, host: str, port: int) -> list[str]:
        """Return the addresses to try, at most eight; raises `Denied` where there are none, or one may not be reached.

        One that is denied denies all: a name that leads inside and outside is misconfigured or meant to be tried
        until it slips through, and what happens must not hang on the order of a reply.
        """
        looked = self.look(host, port)
        if looked.denied or not looked.allowed:
            raise Denied
        return looked.allowed[:_MOST_TRIED]

    def connect(self, host: str, port: int, timeout: float) -> socket.socket:
        """Return a connection to a port of a host, each of whose addresses is waited for until the timeout.

        Raises `Denied`, and `OSError` where none answers.
        """
        *others, last = self.addresses(host, port)
        for address in others:
            try:
                return socket.create_connection((address, port), timeout)
            except OSError:
                continue
        return socket.create_connection((last, port), timeout)
