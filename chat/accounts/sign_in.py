"""Limits of sign-ins: a password costs half a second of a core to check, and may be guessed.

Each attempt counts before its check; one that succeeds is taken back.
"""

import functools
import hashlib
import ipaddress
import math
import threading
from collections.abc import Callable, Sequence
from typing import Any

from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from chat.transport import counters
from chat.transport.counters import Count

WINDOW_SECS = 60
MOST_PER_ACCOUNT = 5  # of one address, in a window
MOST_PER_ADDRESS = 20
WAIT_SECS = 5  # for another check of this process
MOST_WAITING = 4  # of this process; the rest is refused at once

View = Callable[..., HttpResponseBase]


def names(address: str, account: str) -> list[str]:
    """The counts of an attempt. An IPv6 network of one household is one address."""
    try:
        ip = ipaddress.ip_address(address)
        network = str(ipaddress.ip_network((ip, 64), strict=False)) if ip.version == 6 else address
    except ValueError:  # of a Unix socket
        network = address
    digest = hashlib.sha256(account.casefold().encode(errors="replace")).hexdigest()[:32]
    return [f"sign-in:{network}:{digest}", f"sign-in:{network}"]


def retry_after(found: Sequence[Count]) -> int:
    """Seconds to wait; 0: the attempt is allowed."""
    limits = (MOST_PER_ACCOUNT, MOST_PER_ADDRESS)
    waits = [count.secs_left for count, limit in zip(found, limits, strict=True) if count.value > limit]
    return math.ceil(max(waits, default=0))


class Turns:
    """One check at a time; a few wait."""

    def __init__(self) -> None:
        self._turn = threading.Semaphore(1)
        self._places = threading.Semaphore(1 + MOST_WAITING)

    def take(self) -> bool:
        """Wait for a turn; False: too many wait, or for too long."""
        if not self._places.acquire(blocking=False):
            return False
        if self._turn.acquire(timeout=WAIT_SECS):
            return True
        self._places.release()
        return False

    def end(self) -> None:
        """Let the next one in."""
        self._turn.release()
        self._places.release()


turns = Turns()


def limited(view: View) -> View:
    """Limit a sign-in page's POST: 429 with Retry-After."""

    @functools.wraps(view)
    def limit(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method != "POST":
            return view(request, *args, **kwargs)
        counted = names(request.META.get("REMOTE_ADDR", ""), request.POST.get("username", ""))
        if secs := retry_after(_add(counted, 1)):
            return _refused(request, secs)
        if not turns.take():
            _add(counted, -1)
            return _refused(request, WAIT_SECS)
        try:
            response = view(request, *args, **kwargs)
        finally:
            turns.end()
        if response.status_code == 302:
            _add(counted, -1)
        return response

    return limit


def _add(counted: Sequence[str], by: int) -> list[Count]:
    return async_to_sync(counters.add)(counted, WINDOW_SECS, by)


def _refused(request: HttpRequest, secs: int) -> HttpResponse:
    page = render(request, "429.html", {"seconds": secs}, status=429)
    page["Retry-After"] = str(secs)
    return page
