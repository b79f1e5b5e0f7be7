"""Where callbacks may go: loopback and private networks, and hosts that were allowed by name at start.

A name is judged without asking a resolver; the address it resolves to is judged again when we connect, so
that a name which points elsewhere later gains nothing. Link-local addresses, where clouds keep their
metadata, are refused always.
"""

import ipaddress
from urllib.parse import urlsplit

PRIVATE_SUFFIXES = (".localhost", ".local", ".internal", ".lan", ".test", ".home.arpa")


def callback_url_problem(url: str, *, allow_hosts: tuple[str, ...]) -> str | None:
    """Why callbacks may not go to this URL, one sentence; None where they may."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "it is no URL"
    if parts.scheme not in {"http", "https"}:
        return "it must begin with http:// or https://"
    if not host:
        return "it names no host"
    if any(ord(character) <= 32 or ord(character) >= 127 for character in url):
        return "it holds a space or a character that must be percent-encoded"
    if parts.username is not None or parts.fragment:
        return "it must hold neither a user name nor a fragment"
    return None if _host_allowed(host, allow_hosts) else f"{host} is neither loopback nor a private network"


def may_connect(host: str, address: str, *, allow_hosts: tuple[str, ...]) -> bool:
    """Whether a callback to this host may go to this address."""
    number = ipaddress.ip_address(address.partition("%")[0])
    return _address_allowed(number) or (host in allow_hosts and not _is_link_local(number))


def _host_allowed(host: str, allow_hosts: tuple[str, ...]) -> bool:
    try:
        number = ipaddress.ip_address(host)
    except ValueError:
        name = host.rstrip(".")
        is_private = "." not in name or name.endswith(PRIVATE_SUFFIXES)
        return is_private or host in allow_hosts
    return _address_allowed(number) or (host in allow_hosts and not _is_link_local(number))


def _address_allowed(number: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    plain = _unmapped(number)
    if _is_link_local(plain) or plain.is_unspecified or plain.is_multicast:
        return False
    return plain.is_loopback or plain.is_private


def _is_link_local(number: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    plain = _unmapped(number)
    return plain.is_link_local or str(plain) == "fd00:ec2::254"


def _unmapped(
    number: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    mapped = getattr(number, "ipv4_mapped", None)
    return mapped if mapped is not None else number
