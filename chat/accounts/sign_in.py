"""Limits of sign-ins: a password costs half a second of a core to check, and may be guessed.

Each attempt counts before its check; one that succeeds is taken back.
"""

import functools
import hashlib
import ipaddress
import math
import threading
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from chat.transport import counters
from chat.transport.counters import Count, LocalCounters

WINDOW_SECS = 60
MOST_PER_ACCOUNT = 5  # of one address, in a window
MOST_PER_ADDRESS = 20
MOST_REFUSALS = 25  # of one network by this process, in a window; then `SignInGate` refuses
WAIT_SECS = 5  # for another check of this process
MOST_WAITING = 4  # of this process; the rest is refused at once

View = Callable[..., HttpResponseBase]


def network_of(address: str) -> str:
    """The client in the counts: an IPv4 address, an IPv6 network of one household, or any other text."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:  # of a Unix socket
        return address
    if ip.version == 6 and ip.ipv4_mapped:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((ip, 64), strict=False)) if ip.version == 6 else str(ip)


def limits(network: str, account: str) -> dict[str, int]:
    """The counts of an attempt, each with its limit, in the order in which they are raised.

    An account is named as Django's form and the database would: all its spellings have one count.
    """
    name = unicodedata.normalize("NFKC", account).strip().casefold()
    digest = hashlib.sha256(name.encode(errors="replace")).hexdigest()[:32]
    return {f"sign-in:{network}:{digest}": MOST_PER_ACCOUNT, f"sign-in:{network}": MOST_PER_ADDRESS}


def retry_after(found: Count, limit: int) -> int:
    """Seconds to wait; 0: the attempt is allowed."""
    return math.ceil(found.secs_left) if found.value > limit else 0


class Turns:
    """One check at a time; a few wait, one of each network."""

    def __init__(self) -> None:
        self._turn = threading.Semaphore(1)
        self._lock = threading.Lock()
        self._networks: set[str] = set()

    def take(self, network: str) -> bool:
        """Wait for a turn; False: too many wait, this network has one, or it takes too long."""
        with self._lock:
            if network in self._networks or len(self._networks) > MOST_WAITING:
                return False
            self._networks.add(network)
        if self._turn.acquire(timeout=WAIT_SECS):
            return True
        self._networks.discard(network)
        return False

    def end(self, network: str) -> None:
        """Let the next one in."""
        self._networks.discard(network)
        self._turn.release()


turns = Turns()
refused = LocalCounters()  # by network


def limited(view: View) -> View:
    """Limit a sign-in page's POST: 429 with Retry-After. The form names the account."""
    return _limited(view, lambda request: request.POST.get("username", ""))


def limited_by_user(view: View) -> View:
    """Limit the POST of a page that asks a signed-in user for the password, whatever the form names."""
    return _limited(view, lambda request: request.user.get_username())


def _limited(view: View, account: Callable[[HttpRequest], str]) -> View:
    @functools.wraps(view)
    def limit(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method != "POST":
            return view(request, *args, **kwargs)
        network = network_of(request.META.get("REMOTE_ADDR", ""))
        counted = limits(network, account(request))
        if secs := _count(counted):
            return _refuse(request, network, secs)
        if not turns.take(network):
            _add(counted, -1)
            return _refuse(request, network, WAIT_SECS)
        try:
            response = view(request, *args, **kwargs)
        finally:
            turns.end(network)
        if response.status_code == 302:
            _add(counted, -1)
        return response

    return limit


def _count(counted: Mapping[str, int]) -> int:
    """Count an attempt; one that the account's count refuses does not raise the address's."""
    for name, limit in counted.items():
        (found,) = _add([name], 1)
        if secs := retry_after(found, limit):
            return secs
    return 0


def _add(counted: Iterable[str], by: int) -> list[Count]:
    return async_to_sync(counters.add)(list(counted), WINDOW_SECS, by)


def _refuse(request: HttpRequest, network: str, secs: int) -> HttpResponse:
    refused.add([network], WINDOW_SECS, 1)
    page = render(request, "429.html", {"seconds": secs}, status=429)
    page["Retry-After"] = str(secs)
    return page
