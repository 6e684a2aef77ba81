"""Refuses what Python code of this process sends anywhere but to this machine.

An audit hook sees every way from Python to a socket, however it is spelled, and nothing can remove it again.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
from functools import cache

CONNECTS = {"socket.connect", "socket.sendto", "socket.sendmsg"}
LOOKS_UP = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"}


class NetworkRefusedInTestsError(RuntimeError):
    """A test tried to leave this machine. No `OSError`, so that no client takes it for a fault of the network."""


@cache
def refuse_the_network() -> None:
    """Refuses from now on; once for a process."""
    sys.addaudithook(_refuse)


def _refuse(event: str, details: tuple[object, ...]) -> None:
    if event in CONNECTS:
        sock, address = details
        is_local = isinstance(sock, socket.socket) and sock.family not in (socket.AF_INET, socket.AF_INET6)
        # None: a connected socket, whose address was seen when it was connected.
        if not (is_local or address is None):
            _require_loopback(event, _host_of(address))
    elif event in LOOKS_UP:
        _require_loopback(event, _host_of(details[0]))


def _host_of(address: object) -> object:
    return address[0] if isinstance(address, tuple) and address else address  # pyright: ignore[reportUnknownVariableType]


def _require_loopback(event: str, host: object) -> None:
    if not is_loopback(host):
        raise NetworkRefusedInTestsError(f"Tests reach loopback only: {event} to {host!r} was refused.")


def is_loopback(host: object) -> bool:
    """Whether a host as Python's socket functions take it is this machine; names other than localhost are not."""
    text = host.decode() if isinstance(host, bytes | bytearray) else host
    if text is None or text in ("", "localhost"):
        return True
    try:
        address = ipaddress.ip_address(str(text))
    except ValueError:
        return False
    # 0.0.0.0 and :: are what a server listens on, and to connect there is to connect to this machine.
    return address.is_loopback or address.is_unspecified
