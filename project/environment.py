"""Read variables of the environment and `.env`.

An empty value counts as not set; a value that begins with `$` is that text. A wrong one raises
ImproperlyConfigured: one sentence with the variable's name, and with the value if it can hold no secret.
"""

import json
import math
import os
from collections.abc import Collection
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from project.dotenv import load
from project.redis_urls import redis_url

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off"}
REDIS = {
    "redis": "redis://user:password@host:port/0",
    "rediss": "rediss://user:password@host:port/0",
    "unix": "unix:///path",
}
DATABASES = {"sqlite": "sqlite:///path", "postgres": "postgres://user:password@host:port/name"}


class Environment:
    """The variables. Each method takes a name, and a default for a variable that is not set."""

    def __init__(self, dotenv: Path | None) -> None:
        """Add the variables of the file `dotenv` that the environment does not have, or has empty."""
        self.names_read: set[str] = set()
        if dotenv is not None and dotenv.exists():
            load(dotenv)

    def text(self, name: str, default: str = "") -> str:
        """Any text."""
        self.names_read.add(name)
        return os.environ.get(name, "").strip() or default

    def flag(self, name: str, *, default: bool) -> bool:
        """1, true, yes, on; 0, false, no, off."""
        text = self.text(name).lower()
        if text and text not in TRUE | FALSE:
            raise _wrong(name, "write 1 or 0", text)
        return text in TRUE if text else default

    def number(self, name: str, default: int, least: int = 0) -> int:
        """A whole number of at least `least`."""
        text = self.text(name)
        if not text:
            return default
        if not (text.isascii() and text.isdecimal()) or int(text) < least:
            raise _wrong(name, f"write a whole number of at least {least}, in digits", text)
        return int(text)

    def seconds(self, name: str, default: float) -> float:
        """A positive number of seconds."""
        text = self.text(name)
        try:
            seconds = float(text or default)
        except ValueError:
            seconds = math.nan
        if not 0 < seconds < math.inf:
            raise _wrong(name, "write a number of seconds, as 30 or 0.5", text)
        return seconds

    def names(self, name: str, default: Collection[str]) -> list[str]:
        """Texts separated by commas."""
        return [each.strip() for each in self.text(name).split(",") if each.strip()] or [*default]

    def networks(self, name: str) -> list[str]:
        """Networks, or addresses, separated by commas."""
        found = self.names(name, [])
        try:
            return [str(ip_network(each)) for each in found]
        except ValueError:
            raise _wrong(name, "write networks, as fd00::/8, separated by commas", ",".join(found)) from None

    def choice(self, name: str, default: str, choices: Collection[str]) -> str:
        """One of `choices`, in any case of its letters."""
        text = self.text(name, default)
        found = next((each for each in choices if each.lower() == text.lower()), None)
        if found is None:
            raise _wrong(name, f"write one of {', '.join(choices)}", text)
        return found

    def options(self, name: str) -> dict[str, Any]:
        """A JSON object, which may hold a secret."""
        try:
            found = json.loads(self.text(name, "{}"))
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise _wrong(name, 'write a JSON object, as {"bucket_name": "chat"}')
        return found

    def redis(self, name: str, default: str) -> str:
        """A URL of Redis, which may hold a password, in the form that all clients read alike."""
        text = self.text(name, default)
        url = _split(text)
        if url is None or url.scheme not in REDIS or not (url.hostname or url.path.strip("/")):
            raise _wrong(name, _form(REDIS.values()))
        return redis_url(name, text)

    def database(self, name: str, default: str) -> dict[str, Any]:
        """A URL as an entry of Django's DATABASES."""
        text = self.text(name, default)
        url = _split(text)
        if url is None or url.scheme not in environ.Env.DB_SCHEMES:
            raise _wrong(name, _form(DATABASES.values()))
        if not url.path.strip("/"):
            raise _wrong(name, f"it names no database; {_form(DATABASES.values())}")
        return dict(environ.Env.db_url_config(text))


def _split(text: str) -> SplitResult | None:
    """The parts of a URL; None if an unquoted character of a password made others of them."""
    try:
        url = urlsplit(text)
        url.port  # noqa: B018 - raises if the port is no number
    except ValueError:
        return None
    return None if url.fragment or not url.scheme else url


def _form(examples: Collection[str]) -> str:
    return f"write it as {' or '.join(examples)}, with # as %23, / as %2F and ? as %3F in the password"


def _wrong(name: str, remedy: str, shown: str = "") -> ImproperlyConfigured:
    """`shown`: the value, unless it may hold a secret."""
    quoted = f" ({shown!r})" if shown else ""
    return ImproperlyConfigured(f"{name} cannot be read{quoted}: {remedy}.")
