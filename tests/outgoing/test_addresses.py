"""Which addresses are public, compared with IANA's registries and with Python's own tables."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outgoing.addresses import Address, is_public, network_of

# IANA IPv4 and IPv6 Special-Purpose Address Registries: all that is not «Globally Reachable: True».
NOT_REACHABLE_4 = [
    "0.0.0.0/8", "0.0.0.0/32", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/24", "192.0.0.0/29", "192.0.0.8/32", "192.0.0.170/32", "192.0.0.171/32", "192.0.2.0/24",
    "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
    "255.255.255.255/32",
]  # fmt: skip
NOT_REACHABLE_6 = [
    "::1/128", "::/128", "::ffff:0:0/96", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64", "2001::/32", "2001:2::/48",
    "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10",
]  # fmt: skip
NOT_REACHABLE = [ip_network(text) for text in (*NOT_REACHABLE_4, *NOT_REACHABLE_6)]
MULTICAST = [ip_network("224.0.0.0/4"), ip_network("ff00::/8")]
# Where metadata of clouds are, as their documents name them: AWS, Google and Azure; AWS over IPv6; Google over IPv6;
# Alibaba; Oracle; Azure's wire server.
METADATA = [
    "169.254.169.254",
    "fd00:ec2::254",
    "fd20:ce::254",
    "100.100.100.200",
    "192.0.0.192",
    "168.63.129.16",
]
PUBLIC = ["8.8.8.8", "1.1.1.1", "9.9.9.9", "2001:4860:4860::8888", "2606:4700::1111", "2620:fe::fe", "64:ff9b::808:808"]


@pytest.mark.parametrize("network", [*NOT_REACHABLE, *MULTICAST], ids=str)
def test_no_address_of_a_special_network_is_public(network: IPv4Network | IPv6Network) -> None:
    inside = [network[0], network[-1], network[network.num_addresses // 2]]
    assert [is_public(one) for one in inside] == [False] * 3


@pytest.mark.parametrize("address", METADATA)
def test_metadata_of_clouds_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_name_servers_of_the_internet_are_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize("address", ["fe80::1%eth0", "2606:4700::1111%eth0", "ff02::1%1"])
def test_an_address_of_one_link_is_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


EDGES = st.sampled_from([*NOT_REACHABLE, *MULTICAST]).flatmap(
    lambda network: st.sampled_from([int(network[0]), int(network[-1]), int(network[0]) - 1, int(network[-1]) + 1]).map(
        lambda number: _address(network.version, number)
    )
)


def _address(version: int, number: int) -> Address:
    return IPv4Address(number % 2**32) if version == 4 else IPv6Address(number % 2**128)


@given(st.one_of(st.ip_addresses(), EDGES))
def test_what_is_public_is_global_to_python_too(address: Address) -> None:
    if is_public(address):
        special = (address.is_multicast, address.is_loopback, address.is_link_local, address.is_unspecified)
        assert (address.is_global, any(special)) == (True, False)


# Global to Python, and yet not for us: services inside of clouds, relays, IPv4 in disguise, what nobody was given.
STRICTER = [
    *map(ip_network, ("168.63.129.16/32", "192.88.99.0/24", "192.0.0.0/24", "2001::/23", "2002::/16", "3fff::/20"))
]


@given(st.one_of(st.ip_addresses(), EDGES))
def test_what_is_global_to_python_is_public_but_for_named_networks(address: Address) -> None:
    given_out = address.version == 4 or address in IPv6Network("2000::/3")
    if address.is_global and not address.is_multicast and given_out:
        assert is_public(address) == (not any(address in network for network in STRICTER))


@given(st.ip_addresses(v=4))
def test_a_translated_address_is_what_is_in_it(address: IPv4Address) -> None:
    assert is_public(IPv6Address(f"64:ff9b::{address}")) == is_public(address)
    for carried in (f"::ffff:{address}", f"::{address}", f"64:ff9b:1::{address}"):
        assert not is_public(IPv6Address(carried))
    assert not is_public(IPv6Address(0x2002 << 112 | int(address) << 80))
    assert not is_public(IPv6Address(0x20010000 << 96 | int(address) ^ 0xFFFFFFFF))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("10.0.0.1/8", "write 10.0.0.0/8"),
        ("fd12::1/32", "write fd12::/32"),
        ("10.0.0.0/33", "is no network; write it as"),
        ("010.0.0.0/8", "is no network"),
        ("10.0.0.0-10.0.0.9", "is no network"),
        ("soc.example.com", "is no network"),
        ("*", "is no network"),
        ("", "is no network"),
    ],
)
def test_what_is_no_network_is_refused_with_the_way_to_write_it(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        network_of(text)


@given(st.ip_addresses())
def test_one_address_is_a_network_of_one(address: Address) -> None:
    assert [*network_of(str(address))] == [address]
