"""Which network addresses the server may reach on a user's behalf."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence

from labelwright.settings import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# Global by Python's table, yet never a public web server: NAT64 with a local prefix, 6to4 relays, the metadata
# services of clouds that use public ranges (Alibaba is inside CGNAT, Azure's wire server is not).
_NEVER: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in ("64:ff9b:1::/48", "192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32", "::/96", "fec0::/10")
)


def unwrapped(address: Address) -> Address:
    """The IPv4 address that an IPv6 form stands for (mapped, NAT64, 6to4, Teredo), else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address.sixtofour:
        return address.sixtofour
    if address.teredo:
        return address.teredo[1]
    return address


def allowed(address: Address, allow: Sequence[Network] = ()) -> bool:
    """Whether the server may connect there: a public unicast address, or one inside a network of `allow`."""
    inner = unwrapped(address)
    if any(inner in network or address in network for network in allow):
        return True
    if any(a in network for a in (inner, address) for network in _NEVER):
        return False
    return inner.is_global and not (
        inner.is_multicast or inner.is_reserved or inner.is_loopback or inner.is_link_local or inner.is_unspecified
    )


def resolve(host: str, port: int) -> list[Address]:
    """Every address of a host name, in the system's order; also reads decimal, octal and hex spellings of IPv4.

    Raises `OSError` when the name is unknown."""
    found: list[Address] = []
    for _family, _kind, _protocol, _name, place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        address = ipaddress.ip_address(str(place[0]).split("%", 1)[0])
        if address not in found:
            found.append(address)
    return found
