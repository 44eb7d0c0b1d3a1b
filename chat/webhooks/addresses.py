"""Which addresses webhooks may reach: public ones by https, and private networks that the operator names.

Pure. The owner of a webhook chooses its address, the worker posts to it from inside the operator's network.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

MAX_CHARS = 2_000
GLOBAL_UNICAST = ip_network("2000::/3")  # all else of IPv6 is local, or embeds another address
SIX_TO_FOUR = ip_network("2002::/16")
NAT64 = ip_network("64:ff9b::/96")  # of networks without IPv4
# they look public: Azure's machines reach their host by the one, Oracle's their metadata in the other
OF_CLOUDS = [ip_network("168.63.129.16"), ip_network("192.0.0.0/24")]


def may_reach(address: str, private: Iterable[str], *, secure: bool) -> bool:
    """Whether to connect to an IP address. `private`: networks of the setting; `secure`: by TLS."""
    found = _unwrapped(address)
    return _is_in(found, private) or (secure and _is_public(found))


def url_fault(url: str, private: Iterable[str]) -> str:
    """Why a webhook cannot have this URL, as a sentence; "" if it can. Names are not resolved here."""
    networks = list(private)
    if len(url) > MAX_CHARS or not url.isascii() or not url.isprintable() or " " in url:
        return f"The URL must be ASCII without white space, of at most {MAX_CHARS} characters."
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "The URL cannot be read."
    if parts.scheme != "https" and not (parts.scheme == "http" and networks):
        return "The URL must begin with https://."
    if not host or "@" in parts.netloc or "#" in url:
        return "The URL must have a host, and neither a user nor a fragment."
    return _host_fault(host, networks, secure=parts.scheme == "https")


def _host_fault(host: str, private: list[str], *, secure: bool) -> str:
    try:
        ip_address(host.partition("%")[0])
    except ValueError:  # a name: its addresses are checked when a connection is made
        return ""
    refused = "The URL's address is not public, and TAILRACE_WEBHOOK_PRIVATE does not name its network."
    return "" if may_reach(host, private, secure=secure) else refused


def _unwrapped(text: str) -> IPv4Address | IPv6Address:
    """The address, or the IPv4 address that a gateway would make of it."""
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return IPv4Address(int(address) & 0xFFFF_FFFF) if address in NAT64 else address


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if address.is_multicast or not address.is_global or any(address in network for network in OF_CLOUDS):
        return False
    return isinstance(address, IPv4Address) or (address in GLOBAL_UNICAST and address not in SIX_TO_FOUR)


def _is_in(address: IPv4Address | IPv6Address, networks: Iterable[str]) -> bool:
    return any(address in ip_network(network) for network in networks)
