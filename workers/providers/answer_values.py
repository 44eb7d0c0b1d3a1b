"""Values of any answer: whole characters, usage, reported errors. Pure."""

import json
from typing import Any

from chat.protocol.events import JSON
from workers.providers import refusals
from workers.providers.base import ProviderError
from workers.providers.refusal_body import MAX_BODY_BYTES
from workers.providers.storable import REPLACEMENT, storable

STATUSES = ("401", "402", "429")  # known in an answer; a 404 there is no wrong address
MAX_COUNT = 2**53 - 1  # a browser's largest integer
# raised by values of other types, or nested too deep
MALFORMED = (AttributeError, TypeError, ValueError, KeyError, IndexError, RecursionError)


def reported(body: JSON, status: int = 200) -> ProviderError:
    """The error that a server reports in an answer that had begun well, as one with this status."""
    text = json.dumps(body)[:MAX_BODY_BYTES]
    inner = body["error"] if isinstance(body.get("error"), dict) else body
    code = str(inner.get("code") or inner.get("status"))
    refusal = refusals.judge(int(code) if code in STATUSES else status, text.encode(), {})
    return ProviderError(refusal.code, refusal.permanent, refusal.retry_after)


def whole_pairs(text: str) -> tuple[str, str]:
    """Split off a high surrogate at the end: its other half may follow."""
    return (text[:-1], text[-1]) if "\ud800" <= text[-1] <= "\udbff" else (text, "")


class Characters:
    """Makes the deltas of one text storable, with whole characters."""

    def __init__(self) -> None:
        self._half = ""  # a high surrogate that ended a delta

    def take(self, text: str) -> str:
        """The next text, without half a character at its end."""
        if not self._half and text.isascii():
            return text.replace("\x00", REPLACEMENT)  # as `storable`, without its cost per token
        text, self._half = whole_pairs(self._half + text)
        return storable(text)

    def flush(self) -> str:
        """A replacement for half a character: none follows."""
        half, self._half = self._half, ""
        return REPLACEMENT if half else ""


def usage_of(usage: Any) -> JSON | None:
    """The usage as the Responses API has it, or None."""
    if not isinstance(usage, dict):
        return None
    prompt = _count(usage, "prompt_tokens", "input_tokens", "prompt_eval_count")
    completion = _count(usage, "completion_tokens", "output_tokens", "eval_count")
    if prompt is None and completion is None:
        return None
    prompt, completion = prompt or 0, completion or 0
    read = _details(usage, "prompt_tokens_details", "input_tokens_details")
    written = _details(usage, "completion_tokens_details", "output_tokens_details")
    cached = _count(read, "cached_tokens") or _count(usage, "prompt_cache_hit_tokens", "cached_tokens")
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": cached or 0, "cache_write_tokens": 0},
        "output_tokens": completion,
        "output_tokens_details": {"reasoning_tokens": _count({**usage, **written}, "reasoning_tokens") or 0},
        "total_tokens": _count(usage, "total_tokens") or prompt + completion,
    }


def _count(counts: JSON, *names: str) -> int | None:
    for name in names:
        number = counts.get(name)
        if isinstance(number, int | float) and not isinstance(number, bool) and 0 <= number <= MAX_COUNT:
            return int(number)
    return None


def _details(usage: JSON, *names: str) -> JSON:
    return next((usage[name] for name in names if isinstance(usage.get(name), dict)), {})
