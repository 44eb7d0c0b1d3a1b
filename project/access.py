"""Settings that would open a deployment to everybody: judged at start-up, and by `doctor`."""

import ipaddress
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

KEY_CHARS = 50  # Django's own measure of a random key
KEY_DIFFERENT_CHARS = 5
NEW_KEY = "python -c 'import secrets; print(secrets.token_urlsafe(50))'"


def unsafe(*, debug: bool, key: str, hosts: Sequence[str], origins: Sequence[str]) -> list[str]:
    """Sentences about what must not be served. `key`: empty if none is set."""
    public = [host for host in hosts if not is_loopback(host)]
    if debug:
        return [_debug(public)] if public else []
    return [*_key(key), *_origins(origins)]


def exposed(bind: str, *, debug: bool) -> str:
    """A sentence about an address that must not be served; empty: it may be."""
    if not debug or is_loopback(bind):
        return ""
    return (
        f"DEBUG is on, and {bind} is no loopback address: the network would see settings and code. "
        f"Set SECRET_KEY to a long random text ({NEW_KEY}), and not DEBUG; or bind to 127.0.0.1."
    )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the host, a name of ALLOWED_HOSTS."""
    name = host.strip("[]").rstrip(".").lower()
    try:
        return ipaddress.ip_address(name.removeprefix("::ffff:")).is_loopback  # of a socket for both families
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


def is_origin(origin: str) -> bool:
    """Whether it is one full origin: scheme, host, perhaps a port."""
    try:
        url = urlsplit(origin)
        full = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        return False
    host = url.hostname or ""
    return full and not host.startswith(".") and "*" not in host and url.path == "" and not url.query


def _debug(public: Iterable[str]) -> str:
    return (
        f"DEBUG is on, and ALLOWED_HOSTS has {', '.join(public)}: every visitor would see settings and code. "
        f"Set SECRET_KEY to a long random text ({NEW_KEY}), and not DEBUG; or list loopback names only"
    )


def _key(key: str) -> Iterable[str]:
    if not key:
        yield f"SECRET_KEY is missing: set it to a long random text ({NEW_KEY}), or DEBUG=1 for development"
    elif len(key) < KEY_CHARS or len(set(key)) < KEY_DIFFERENT_CHARS or key.startswith("django-insecure-"):
        yield (
            f"SECRET_KEY signs sessions and can be guessed: set a random text of at least {KEY_CHARS} "
            f"characters ({NEW_KEY})"
        )


def _origins(origins: Iterable[str]) -> Iterable[str]:
    if wrong := [origin for origin in origins if not is_origin(origin)]:
        yield (
            f"TAILRACE_ORIGINS has {', '.join(wrong)}: pages of other sites may open a socket. Write each "
            "full origin, as https://chat.example.org; the default is https:// and each of ALLOWED_HOSTS"
        )
