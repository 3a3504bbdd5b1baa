"""Sets of addresses against Python's own `ipaddress`, and what of them is the internet."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semantics.addresses import Addresses, addresses, is_internet, is_wide

BLOCKS = st.builds(
    lambda number, bits: f"{ipaddress.IPv4Address(number)}/{bits}", st.integers(0, 2**32 - 1), st.integers(0, 32)
)
SIX = st.builds(
    lambda number, bits: f"{ipaddress.IPv6Address(number)}/{bits}", st.integers(0, 2**128 - 1), st.integers(0, 128)
)
# Of few values, so that blocks meet.
NEAR = st.builds(lambda last, bits: f"10.0.0.{last}/{bits}", st.integers(0, 255), st.integers(26, 32))


def collapsed(blocks: list[str]) -> set[tuple[int, int]]:
    """Return what the standard library makes of blocks, neighbours joined."""
    spans: list[tuple[int, int]] = []
    networks = (ipaddress.ip_network(block, strict=False) for block in blocks)
    for network in ipaddress.collapse_addresses(networks):  # type: ignore[type-var]  # of one version
        low, high = int(network.network_address), int(network.broadcast_address)
        if spans and spans[-1][1] + 1 == low:
            low = spans.pop()[0]
        spans.append((low, high))
    return set(spans)


@given(st.lists(BLOCKS | NEAR))
def test_a_union_is_that_of_the_standard_library(blocks: list[str]) -> None:
    assert set(addresses(blocks).four) == collapsed(blocks)


@given(st.lists(SIX))
def test_a_union_of_ipv6_is_too(blocks: list[str]) -> None:
    assert set(addresses(blocks).six) == collapsed(blocks)


@given(st.lists(NEAR), st.lists(NEAR))
def test_what_is_taken_out_is_out_and_nothing_else(blocks: list[str], taken: list[str]) -> None:
    def members(of: Addresses) -> set[int]:
        return {number for low, high in of.four for number in range(low, high + 1)}

    left = addresses(blocks) - addresses(taken)
    assert members(left) == members(addresses(blocks)) - members(addresses(taken))
    assert (left | addresses(taken)).covers(addresses(blocks))


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        (["0.0.0.0/0"], True),
        (["1.2.3.4/0"], True),
        (["0.0.0.0/1", "128.0.0.0/1"], True),
        (["0.0.0.0/2", "64.0.0.0/2", "128.0.0.0/2", "192.0.0.0/2"], True),
        (["0.0.0.0/1"], False),
        (["128.0.0.0/1"], False),
        (["::/0"], True),
        (["0::0/0"], True),
        (["::/1", "8000::/1"], True),
        (["2000::/3"], True),  # all that is given out
        (["fc00::/7", "fe80::/10"], False),
        (["0.0.0.1-255.255.255.254"], True),
        (["1.0.0.0-126.255.255.255", "128.0.0.0-223.255.255.255"], True),
        (["0.0.0.0"], False),
        (["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"], False),
        (["198.51.100.0/24", "2001:db8::/32"], False),
        ([], False),
    ],
)
def test_what_is_the_internet(blocks: list[str], expected: bool) -> None:
    assert is_internet(blocks) is expected


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        (["0.0.0.0-255.255.255.255"], True),
        (["0.0.0.1-255.255.255.254"], True),
        (["0.0.0.0/1"], True),
        (["16.0.0.0/8", "17.0.0.0/8"], True),
        (["17.0.0.0/8"], False),
        (["17.0.0.0/8", "53.0.0.0/8"], True),
        (["17.0.0.0/8", "17.1.0.0/16", "10.0.0.0/8"], False),
        (["10.0.0.0/7"], False),  # half of it is private
        (["0.0.0.0-0.0.0.0"], False),
        (["2400::/31"], True),
        (["2400:2000::/32"], False),
    ],
)
def test_what_is_no_customers_network_any_more(blocks: list[str], expected: bool) -> None:
    assert is_wide(blocks) is expected


@pytest.mark.parametrize(
    "block",
    [
        "",
        "pl-123",
        "10.0.0.0/33",
        "10.0.0/8",
        "::/129",
        "10.0.0.0/-1",
        "10.0.0.0/８",
        "9.9.9.9-1.1.1.1",
        "1.1.1.1-::1",
        "10.0.0.0/255.0.0.0",
        "\0",
    ],
)
def test_what_is_no_block_is_refused(block: str) -> None:
    with pytest.raises(ValueError, match="addresses"):
        addresses([block])
