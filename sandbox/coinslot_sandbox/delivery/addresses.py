"""Where callbacks may go: loopback and private networks, and what was allowed by name or network at start.

A name is judged without asking a resolver; the address it resolves to is judged again when we connect, so
that a name which points elsewhere later gains nothing. Addresses at which clouds keep their machines' secrets
are refused always, however they are written.
"""

import ipaddress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PRIVATE_SUFFIXES: Final = (".localhost", ".local", ".internal", ".lan", ".test", ".home.arpa")
METADATA: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        "169.254.0.0/16",
        "fe80::/10",
        "fd00:ec2::/32",
        "fd20:ce::254",
        "fd00:42::42",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
    )
)
"""Where the large clouds answer a machine's questions about itself."""
NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackPolicy:
    """What was allowed at start, beyond loopback and private networks.

    hosts     names, as they stand in a URL
    networks  of addresses
    """

    hosts: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()

    def problem(self, url: str) -> str | None:
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
        return None if self._takes_host(host) else f"{host} is neither loopback nor a private network"

    def may_connect(self, host: str, address: str) -> bool:
        """Whether a callback to this host may go to this address."""
        number = ipaddress.ip_address(address.partition("%")[0])
        return self._takes_address(number, named=host in self.hosts)

    def _takes_host(self, host: str) -> bool:
        try:
            number = ipaddress.ip_address(host)
        except ValueError:
            name = host.rstrip(".")
            is_private = "." not in name or name.endswith(PRIVATE_SUFFIXES)
            # with a network allowed, a name can only be judged by what it resolves to when we connect
            return is_private or host in self.hosts or bool(self.networks)
        return self._takes_address(number, named=host in self.hosts)

    def _takes_address(self, number: Address, *, named: bool) -> bool:
        plain = _plain(number)
        if any(plain in network or number in network for network in METADATA):
            return False
        if plain.is_unspecified or plain.is_multicast:
            return False
        return plain.is_loopback or plain.is_private or named or any(plain in one for one in self.networks)


def parse_network(text: str) -> Network:
    """A network as 10.0.0.0/8 or a single address; ValueError for anything else."""
    return ipaddress.ip_network(text, strict=False)


def _plain(number: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, where it does."""
    if not isinstance(number, ipaddress.IPv6Address):
        return number
    if number in NAT64:
        return ipaddress.IPv4Address(int(number) & 0xFFFFFFFF)
    return number.ipv4_mapped or number.sixtofour or number
