"""How long whoever guesses at a sign-in waits. Nobody is locked out, and no try is refused for good.

A try waits in lanes: one of the name from the address, one of the name from everywhere, one of the address. In each,
wrong tries in a row put the next one off, twice as long each time up to a few seconds. An address from which the
person has signed in before waits for its own wrong tries only, so nobody else can hold it up; one that has hardly
tried the name does not stand in line with those that have (OWASP, «Slow Down Online Guessing Attacks with Device
Cookies»; NIST SP 800-63B, 5.2.2).

All of it is kept in one process' memory, and forgotten after an hour without a try.
"""

import ipaddress
import math
from collections import OrderedDict
from collections.abc import Iterator

from msgspec import Struct

from model.clock import Clock
from model.fault import Refused

LONGEST_WAIT_SECONDS = 20.0
_FORGOTTEN_AFTER_SECONDS = 3600.0
# Only a try whose password is really looked at makes rows, and those are a few dozen a second.
_MOST_ROWS = 50_000
_IPV6_CUSTOMER_BITS = 64


class TooMany(Refused):
    """There are too many tries; the next one is worth it after so many seconds."""

    def __init__(self, seconds: float, problem: str = "") -> None:
        super().__init__(problem or "too many sign-ins at once, or too many that failed; try again later")
        self.seconds = max(1, math.ceil(seconds))


class Lane(Struct, frozen=True):
    """So many tries in a row are free; each one after them puts the next off, by the `longest` seconds at most."""

    name: str
    free: int
    longest: float

    def gap(self, tries: int) -> float:
        """Return the seconds between the last of so many tries in a row and the next one."""
        return min(self.longest, 2.0 ** min(tries - self.free, 10)) if tries >= self.free else 0.0


BY_BOTH = Lane("name and address", 3, 10.0)
NEWCOMERS = Lane("name, from addresses that have hardly tried it", 10, 1.0)
GUESSERS = Lane("name, from addresses that have", 10, 5.0)
BY_ADDRESS = Lane("address", 20, 2.0)

_Key = tuple[Lane, str, str]


class _Row(Struct):
    tries: int
    free_at: float


class Tries:
    """What is remembered of tries to sign in; for one thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rows: OrderedDict[_Key, _Row] = OrderedDict()
        self._accustomed: OrderedDict[tuple[str, str], None] = OrderedDict()

    def begin(self, name: str, address: str) -> float:
        """Return the seconds after which a try of the name from the address is to be looked at.

        It counts as wrong until it has succeeded, so that many at once do not slip through. Raises `TooMany` where it
        would wait for too long; such a try counts for nothing.
        """
        now, network = self._clock.now().timestamp(), network_of(address)
        rows = {key: self._row(key, now) for key in self._lanes(name, network, now)}
        wait = max(row.free_at for row in rows.values()) - now
        if wait > LONGEST_WAIT_SECONDS:
            raise TooMany(wait - LONGEST_WAIT_SECONDS)
        for key, row in rows.items():
            self._put(key, _Row(row.tries + 1, row.free_at + key[0].gap(row.tries + 1)))
        return wait

    def succeeded(self, name: str, address: str) -> None:
        """Forget the wrong tries of a name, and know the address as one that its person signs in from."""
        network = network_of(address)
        for key in ((BY_BOTH, name, network), (NEWCOMERS, name, ""), (GUESSERS, name, "")):
            self._rows.pop(key, None)
        if row := self._rows.get((BY_ADDRESS, "", network)):  # others may be guessing from there
            row.tries, row.free_at = row.tries - 1, row.free_at - BY_ADDRESS.gap(row.tries)
        self.accustom(name, address)

    def accustom(self, name: str, address: str) -> None:
        """Know an address as one that a person signs in from."""
        pair = (name, network_of(address))
        self._accustomed[pair] = None
        self._accustomed.move_to_end(pair)
        _bound(self._accustomed)

    def knows(self, name: str, address: str) -> bool:
        """Return whether the name's person has signed in from the address before."""
        return (name, network_of(address)) in self._accustomed

    def _lanes(self, name: str, network: str, now: float) -> Iterator[_Key]:
        own = (BY_BOTH, name, network)
        yield own
        if (name, network) not in self._accustomed:
            yield (NEWCOMERS if self._row(own, now).tries < BY_BOTH.free else GUESSERS, name, "")
            yield (BY_ADDRESS, "", network)

    def _row(self, key: _Key, now: float) -> _Row:
        """Return what is known of a lane, free from now on at the earliest."""
        row = self._rows.get(key)
        if row is None or now - row.free_at > _FORGOTTEN_AFTER_SECONDS:
            return _Row(0, now)
        return _Row(row.tries, max(now, row.free_at))

    def _put(self, key: _Key, row: _Row) -> None:
        self._rows[key] = row
        self._rows.move_to_end(key)
        _bound(self._rows)


def _bound(kept: "OrderedDict[_Key, _Row] | OrderedDict[tuple[str, str], None]") -> None:
    """Forget what was touched longest ago, where too much is kept."""
    if len(kept) > _MOST_ROWS:
        kept.popitem(last=False)


def network_of(address: str) -> str:
    """Return what is counted of an address: all of IPv4, of IPv6 the /64 that one customer has (RFC 6177).

    The empty text stands for what is no address.
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if found.version == 4:
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found), _IPV6_CUSTOMER_BITS), strict=False))
