"""Which addresses are the internet's: all others are somebody's inside, and nothing that a tenant's file says.

After IANA's registries of special-purpose addresses (RFC 6890, as updated by RFC 8190) and of IPv6's address space; own
tables, as `ipaddress` knows other ones in each version of Python, and takes what carries an IPv4 address for global.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_INSIDE_4 = [
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # «this network», and on Linux this machine (RFC 791, 3.2)
        "10.0.0.0/8",  # private (RFC 1918)
        "100.64.0.0/10",  # shared by carriers (RFC 6598); a cloud's metadata are at 100.100.100.200
        "127.0.0.0/8",  # loopback (RFC 1122, 3.2.1.3)
        "168.63.129.16/32",  # Azure's wire server: public by its number, and answers inside only
        "169.254.0.0/16",  # link-local (RFC 3927); metadata are at 169.254.169.254
        "172.16.0.0/12",  # private (RFC 1918)
        "192.0.0.0/24",  # protocol assignments (RFC 6890); metadata of a cloud are at 192.0.0.192
        "192.0.2.0/24",  # documentation (RFC 5737)
        "192.88.99.0/24",  # relays of 6to4, deprecated (RFC 7526)
        "192.168.0.0/16",  # private (RFC 1918)
        "198.18.0.0/15",  # benchmarking (RFC 2544)
        "198.51.100.0/24",  # documentation (RFC 5737)
        "203.0.113.0/24",  # documentation (RFC 5737)
        "224.0.0.0/4",  # multicast (RFC 5771)
        "240.0.0.0/4",  # reserved (RFC 1112, 4), with the broadcast address (RFC 919)
    )
]
# All that is given out of IPv6 (RFC 4291, 2.4); loopback, mapped, local, link-local and multicast lie outside.
_UNICAST_6 = IPv6Network("2000::/3")
_INSIDE_6 = [
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments (RFC 2928), with Teredo (RFC 4380), which carries an IPv4 address
        "2001:db8::/32",  # documentation (RFC 3849)
        "2002::/16",  # 6to4 (RFC 3056), which carries an IPv4 address
        "3fff::/20",  # documentation (RFC 9637)
    )
]
# A translator makes the IPv4 address in the last four bytes of it (RFC 6052, 2.1); resolvers make such addresses of
# every name that has none of IPv6 (RFC 6147), so that they are judged by what is in them.
_TRANSLATED = IPv6Network("64:ff9b::/96")


def is_public(address: Address) -> bool:
    """Return whether an address is one that everybody may reach over the internet."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _INSIDE_4)
    if address.scope_id:
        return False
    if address in _TRANSLATED:
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    return address in _UNICAST_6 and not any(address in network for network in _INSIDE_6)


def network_of(text: str) -> Network:
    """Return a network written as CIDR, or one address; raises `ValueError`, which says how to write it."""
    try:
        return ip_network(text)
    except ValueError:
        pass
    try:
        meant = ip_network(text, strict=False)
    except ValueError:
        raise ValueError("is no network; write it as 10.20.0.0/16, fd12:3456::/32 or 10.20.0.7") from None
    raise ValueError(f"has bits set behind its prefix; write {meant}, or the one address without a prefix")
