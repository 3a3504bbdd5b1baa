"""Blocks of addresses, as all clouds write them: what they are together, and whether that is the internet.

Rules and lists are never judged block by block: 0.0.0.0/1 and 128.0.0.0/1 together are every address.
"""

import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache

from msgspec import Struct

Spans = tuple[tuple[int, int], ...]

_BITS = {4: 32, 6: 128}
_FOUR = re.compile(r"(?:(?:0|[1-9][0-9]{0,2})\.){3}(?:0|[1-9][0-9]{0,2})")
_LENGTH = re.compile(r"[0-9]{1,3}", re.ASCII)


class Addresses(Struct, frozen=True):
    """A set of addresses: for IPv4 and IPv6 the first and the last of each span, in order, with gaps between them."""

    four: Spans = ()
    six: Spans = ()

    def __bool__(self) -> bool:
        return bool(self.four or self.six)

    def __or__(self, other: "Addresses") -> "Addresses":
        """Return what is in either."""
        return Addresses(_merged([*self.four, *other.four]), _merged([*self.six, *other.six]))

    def __sub__(self, other: "Addresses") -> "Addresses":
        """Return what is in this one alone."""
        return Addresses(_without(self.four, other.four), _without(self.six, other.six))

    def covers(self, other: "Addresses") -> bool:
        """Return whether all of another is in this one."""
        return not other - self

    @property
    def is_internet(self) -> bool:
        """Return whether it is as good as the whole internet, of IPv4 or of IPv6: three quarters of public addresses.

        Who leaves out a few networks that are known to attack, or those that nobody has, still lets everybody in.
        """
        return _is_most(self.four, _PUBLIC.four) or _is_most(self.six, _PUBLIC.six)

    @property
    def is_wide(self) -> bool:
        """Return whether it holds more public addresses than a /8 (IPv4) or a /32 (IPv6).

        That is no customer's network any more: Amazon S3 takes broader ranges for public («The meaning of public»),
        private addresses left aside.
        """
        return _size(_common(self.four, _PUBLIC.four)) > 2**24 or _size(_common(self.six, _PUBLIC.six)) > 2**96


def addresses(blocks: Iterable[str]) -> Addresses:
    """Return all that blocks mean together: single addresses, CIDR blocks, and ranges (`first-last`).

    Raises `ValueError` for what is none of them.
    """
    four, six = list[tuple[int, int]](), list[tuple[int, int]]()
    for block in blocks:
        version, span = _span(block)
        (four if version == 4 else six).append(span)
    return Addresses(_merged(four), _merged(six))


def is_internet(blocks: list[str]) -> bool:
    """Return whether blocks of addresses are together as good as the whole internet; raises `ValueError` for others."""
    return addresses(blocks).is_internet


def is_wide(blocks: list[str]) -> bool:
    """Return whether blocks together are more than a /8 (IPv4) or a /32 (IPv6); raises `ValueError` for others."""
    return addresses(blocks).is_wide


def without_internet(blocks: list[str]) -> list[str]:
    """Return what stays of blocks so that the internet is out, and nobody else: they are left as they are written.

    What is the internet alone goes; where the others add up to it still, those that are wide. Raises `ValueError` for
    what is no block.
    """
    left = [block for block in blocks if not is_internet([block])]
    if is_internet(left):
        left = [block for block in left if not is_wide([block])]
    return [] if is_internet(left) else left


def covers(blocks: Iterable[str], block: str) -> bool:
    """Return whether blocks together hold every address of another one; raises `ValueError` for what is no block."""
    return addresses(blocks).covers(addresses([block]))


@lru_cache(maxsize=4096)  # rules name the same few blocks over and over
def is_any_address(block: str) -> bool:
    """Return whether one block alone is as good as the whole internet; what is no block is not."""
    try:
        return addresses([block]).is_internet
    except ValueError:
        return False


def _span(block: str) -> tuple[int, tuple[int, int]]:
    first, dash, last = block.partition("-")
    if dash:
        return _range(first.strip(), last.strip(), block)
    address, slash, length = block.partition("/")
    version, low = _number(address, block)
    bits = _BITS[version]
    if not slash:
        return version, (low, low)
    if not _LENGTH.fullmatch(length) or int(length) > bits:
        raise ValueError(f"no block of addresses: {block[:50]!r}")
    size = 1 << (bits - int(length))
    low &= -size
    return version, (low, low + size - 1)


def _range(first: str, last: str, block: str) -> tuple[int, tuple[int, int]]:
    (version, low), (other, high) = _number(first, block), _number(last, block)
    if version != other or low > high:
        raise ValueError(f"no range of addresses: {block[:50]!r}")
    return version, (low, high)


def _number(address: str, block: str) -> tuple[int, int]:
    """Return an address's version and number; those of IPv4 by hand, five times as quickly as by the library."""
    try:
        if _FOUR.fullmatch(address):
            return 4, int.from_bytes(bytes(map(int, address.split("."))), "big")
        return 6, int(ipaddress.IPv6Address(address))
    except ValueError:  # a part of more than 255 too
        raise ValueError(f"no block of addresses: {block[:50]!r}") from None


def _merged(spans: list[tuple[int, int]]) -> Spans:
    if len(spans) < 2:
        return tuple(spans)
    spans.sort()
    merged, (low, high) = [], spans[0]
    for first, last in spans:
        if first > high + 1:
            merged.append((low, high))
            low, high = first, last
        elif last > high:
            high = last
    return (*merged, (low, high))


def _without(spans: Spans, taken: Spans) -> Spans:
    """Return what is left of spans; both are in order, so each is looked at once."""
    if not taken:
        return spans
    left, at = [], 0
    for low, high in spans:
        while at < len(taken) and taken[at][1] < low:
            at += 1
        first, number = low, at
        while number < len(taken) and taken[number][0] <= high:
            if taken[number][0] > first:
                left.append((first, taken[number][0] - 1))
            first = taken[number][1] + 1
            number += 1
        if first <= high:
            left.append((first, high))
    return tuple(left)


def _is_most(spans: Spans, public: Spans) -> bool:
    return bool(spans) and 4 * _size(_common(spans, public)) >= 3 * _size(public)


def _common(spans: Spans, others: Spans) -> Spans:
    return _without(spans, _without(spans, others))


def _size(spans: Spans) -> int:
    return sum(high - low + 1 for low, high in spans)


# What is not reached over the internet. Source: IANA IPv4 and IPv6 Special-Purpose Address Registries, IPv4 and IPv6
# Address Space (224.0.0.0/4 is multicast, 240.0.0.0/4 reserved; of IPv6 only 2000::/3 is given out), 2026-11.
_NOT_PUBLIC = """
    0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
    192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/3 2001:db8::/32 3fff::/20
"""
_PUBLIC = addresses(["0.0.0.0/0", "2000::/3"]) - addresses(_NOT_PUBLIC.split())
