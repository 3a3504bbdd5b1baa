"""Blocks of addresses, as all clouds write them."""

import ipaddress
from functools import lru_cache


@lru_cache(maxsize=4096)  # rules name the same few blocks over and over
def is_any_address(cidr: str) -> bool:
    """Return whether a CIDR block means every address of IPv4 or IPv6."""
    try:
        return ipaddress.ip_network(cidr, strict=False).prefixlen == 0
    except ValueError:
        return False
