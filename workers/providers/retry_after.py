"""Parse the retry time in response headers. Pure.

Formats: https://www.rfc-editor.org/rfc/rfc9110#name-retry-after, and OpenAI's `retry-after-ms`.
"""

import math
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime


def retry_after_secs(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds from `now` (Unix seconds), at least 0; None without a known form.

    `headers`: case-insensitive.
    """
    if (milliseconds := _number(headers.get("retry-after-ms", ""))) is not None:
        return milliseconds / 1000
    value = headers.get("retry-after", "")
    if (seconds := _number(value)) is not None:
        return seconds
    if (date := _date(value)) is None:
        return None
    server_now = _date(headers.get("date", ""))  # its clock may differ
    return max(0.0, date - (now if server_now is None else server_now))


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return max(0.0, number) if math.isfinite(number) else None


def _date(text: str) -> float | None:
    try:
        moment: datetime = parsedate_to_datetime(text)
        return moment.timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
