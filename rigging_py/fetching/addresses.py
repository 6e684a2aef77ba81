"""Which addresses belong to the public internet, whatever form they hide in."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_UNICAST = ipaddress.ip_network("2000::/3")
"""The only range of which IANA gives out addresses of IPv6."""
_OTHERS = [
    ipaddress.ip_network(one)
    # Protocol assignments, with Oracle's metadata; relays of 6to4; the host of a machine at Azure; documentation.
    for one in ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32", "3fff::/20")
]
"""What Python's tables call global, or do not know yet."""
_COMPATIBLE = ipaddress.ip_network("::/96")
_ISATAP = (0x00005EFE, 0x02005EFE)
"""The words before the IPv4 address in an interface identifier of RFC 5214."""


def is_public(address: Address) -> bool:
    """Whether a server at this address may be anybody's: every address in it is global, and none is a group's."""
    return all(_is_global(one) for one in (address, *_inside(address)))


def _is_global(address: Address) -> bool:
    if any(address in one for one in _OTHERS):
        return False
    # Of the transition forms it is the address inside that counts.
    is_form = isinstance(address, ipaddress.IPv6Address) and any(_inside(address))
    is_own = address.is_loopback or address.is_unspecified or address.is_link_local or address.is_multicast
    return not is_own and (is_form or (address.is_global and (address.version == 4 or address in _UNICAST)))


def _inside(address: Address) -> Iterator[ipaddress.IPv4Address]:
    """The IPv4 addresses that an IPv6 address leads to: mapped, compatible, 6to4, Teredo, NAT64, ISATAP."""
    if isinstance(address, ipaddress.IPv4Address):
        return
    low, number = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF), int(address)
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    elif address in _COMPATIBLE and number > 1:
        yield low
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if address in _NAT64:
        yield low
    if number >> 32 & 0xFFFFFFFF in _ISATAP:
        yield low
