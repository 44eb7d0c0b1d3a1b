"""Replies to the pages of other origins, of which the site lists some: TAILRACE_API_ORIGINS. Pure.

Keys are in a header of the request, which no browser adds by itself: cookies are not asked for.
"""

import re
from collections.abc import Collection, Mapping

METHODS = "GET, POST, DELETE"
EXPOSED = (
    "x-request-id, retry-after, x-should-retry, openai-poll-after-ms, x-ratelimit-limit-requests, "
    "x-ratelimit-remaining-requests, x-ratelimit-reset-requests"
)
MAX_AGE_SECS = 600  # for which a browser keeps a preflight's reply
# headers of SDKs, none that only a browser may set
_ALLOWED = re.compile(r"authorization|content-type|idempotency-key|accept|openai-[a-z-]+|x-stainless-[a-z-]+")
_ANY_HEADERS = {"vary": "origin"}


def headers_for(headers: Mapping[str, str], origins: Collection[str]) -> dict[str, str]:
    """The headers of each reply to a request with these headers."""
    origin = headers.get("origin", "")
    if origin not in origins:
        return _ANY_HEADERS if origins else {}
    return _ANY_HEADERS | {"access-control-allow-origin": origin, "access-control-expose-headers": EXPOSED}


def preflight(headers: Mapping[str, str], origins: Collection[str]) -> dict[str, str]:
    """The further headers of a reply to OPTIONS; none: the browser sends no request."""
    if headers.get("origin") not in origins:
        return {}
    asked = headers.get("access-control-request-headers", "").lower().split(",")
    allowed = [name.strip() for name in asked if _ALLOWED.fullmatch(name.strip())]
    return {
        "access-control-allow-methods": METHODS,
        "access-control-allow-headers": ", ".join(allowed),
        "access-control-max-age": str(MAX_AGE_SECS),
    }
