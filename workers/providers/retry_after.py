"""Parse when a server accepts a retry, in seconds, from its response headers. Pure.

Source of the format: https://www.rfc-editor.org/rfc/rfc9110#name-retry-after, and OpenAI's `retry-after-ms`.
"""

import math
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime


def retry_after_secs(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds from `now` (Unix seconds), at least 0; None without a header in a known form.

    `headers` must be case-insensitive.
    """
    if (milliseconds := _number(headers.get("retry-after-ms", ""))) is not None:
        return milliseconds / 1000
    value = headers.get("retry-after", "")
    if (seconds := _number(value)) is not None:
        return seconds
    if (date := _date(value)) is None:
        return None
    server_now = _date(headers.get("date", ""))  # its clock may differ from ours
    return max(0.0, date - (now if server_now is None else server_now))


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return max(0.0, number) if math.isfinite(number) else None


def _date(text: str) -> float | None:
    """The Unix time of an HTTP date."""
    try:
        moment: datetime = parsedate_to_datetime(text)
        return moment.timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
