"""Redis URLs whose TLS is verified.

redis-py verifies the server of a `rediss://` URL; kombu, the broker's client, only if the URL says so. Each
knows other spellings of the options.
"""

import ssl
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.core.exceptions import ImproperlyConfigured

CERT_REQS = {name: ssl.VerifyMode[f"CERT_{name.upper()}"] for name in ("required", "optional", "none")}
FALSE = {"0", "false", "f", "no", "n", ""}


def redis_url(variable: str, url: str) -> str:
    """The URL of `variable` in the form that redis-py and kombu read alike; unverified only if it says so."""
    address, _, query = url.partition("?")
    if not address.startswith("rediss://"):
        return url
    options = {"ssl_cert_reqs": "required"} | dict(parse_qsl(query))
    words = options["ssl_cert_reqs"].lower().removeprefix("ssl.").removeprefix("cert_")
    if words not in CERT_REQS:
        message = f"{variable} cannot be used: its ssl_cert_reqs must be required, optional or none."
        raise ImproperlyConfigured(message)
    options["ssl_cert_reqs"] = words
    if "ssl_check_hostname" in options:
        options["ssl_check_hostname"] = str(options["ssl_check_hostname"].lower() not in FALSE).lower()
    return f"{address}?{urlencode(options, safe='/')}"


def tls_options(url: str) -> dict[str, Any] | None:
    """The options of kombu and Flower for a `redis_url`; None without TLS."""
    address, _, query = url.partition("?")
    if not address.startswith("rediss://"):
        return None
    options: dict[str, Any] = {name: text for name, text in parse_qsl(query) if name.startswith("ssl_")}
    options["ssl_cert_reqs"] = CERT_REQS[options["ssl_cert_reqs"]]
    if "ssl_check_hostname" in options:
        options["ssl_check_hostname"] = options["ssl_check_hostname"] == "true"
    return options


def is_verified(url: str) -> bool:
    """Whether the server of this `redis_url` with TLS must show a trusted certificate."""
    return "ssl_cert_reqs=none" not in url.partition("?")[2].split("&")
