"""Judge a refused request: its code, and the change that the server accepts. Pure.

Of an error's body only codes, names of fields and known sentences count.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from itertools import islice
from urllib.parse import urlsplit

from chat.protocol.events import JSON
from workers.providers import refusal_sentences as sentences
from workers.providers.changes import LIMITS, NEEDED, Change
from workers.providers.refusal_body import ErrorBody, contents

MIN_ROOM = 32  # a shorter answer is none: the context is full
MIN_LIMIT = 256  # a smaller one is no model's limit

_NEAR = 60  # characters between a field and the word that refuses it
_WRONG_SIDE = 30  # more of them: "'a' is not supported with 'b'" refuses a, "does not support b" refuses b
_MATCHES = 20  # of each, in a long text
_OF_REQUEST = (400, 422)  # learned from
_BY_WORDS = (200, *_OF_REQUEST)  # judged by words of contexts and rates
# of clients: a fault inside is one request's, and must not take them from all later ones
STRUCTURED = frozenset({"tools", "tool_choice", "response_format"})
_INSIDE = re.compile(r"(?<!\w)(?:tools|tool_choice|response_format)[.\[]\w|schema")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A judged refusal.

    `code`: a key of FAILURES; `retry_after`: seconds that the body names; `filtered`: a content filter
    refused the prompt.
    """

    code: str
    permanent: bool = True
    retry_after: float | None = None
    change: Change | None = None
    filtered: bool = False


def judge(status: int, body: bytes, sent: JSON, own: Collection[str] = ()) -> Refusal:
    """Judge an error, also in an answer with status 200, or a redirect.

    `body`: its beginning; `sent`: the request's body, empty for a GET; `own`: fields of the operator, dropped
    only if they are named without doubt.
    """
    if 300 <= status < 400:
        return Refusal("upstream_wrong_address")
    error = ErrorBody.read(body, contents(sent))
    if _is_no_credit(status, error):
        return Refusal("upstream_no_credit")
    if sent and _is_filtered(status, error):
        return Refusal("upstream_rejected", filtered=True)
    if status in (*_BY_WORDS, 413) or status >= 500:
        refusal = _of_context(status, error, sent)
        if refusal is None and status in _OF_REQUEST and not _is_busy(status, error):
            refusal = _of_field(error, sent, own)
        if refusal is not None:
            return refusal
    return _by_status(status, error, str(sent.get("model", "")))


def wrong_address(url: str) -> str:
    """One sentence for the log, without credentials and query."""
    parts = urlsplit(url)
    place = f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}"
    found = f"there is no model's server at {place}{parts.path}"
    if "/v1" in parts.path:
        return found
    base = re.sub(r"/(chat/completions|models|responses.*)$", "", parts.path)
    return f"{found}; did you mean {place}{base}/v1?"


def _of_context(status: int, error: ErrorBody, sent: JSON) -> Refusal | None:
    """The refusal of more tokens than the context has."""
    if not (
        sentences.CONTEXT_CODE.search(error.text)
        or any(pattern.search(error.text) for pattern in sentences.TOO_MUCH)
        or (status in _BY_WORDS and sentences.CONTEXT_FULL.search(error.text) and not _is_busy(status, error))
    ):
        return None
    limit = _limit(sent)
    change = _room(error.text, limit) if limit else None
    if change and status not in _OF_REQUEST:
        change = replace(change, context=None)
    return Refusal("context_length_exceeded", change=change)


def _of_field(error: ErrorBody, sent: JSON, own: Collection[str]) -> Refusal | None:
    """The refusal of a field, or of its value."""
    limit = _limit(sent)
    if limit and (most := _most(error, limit)):
        once = sentences.OF_PROMPT.search(error.text) is not None
        return Refusal("upstream_rejected", change=Change(limit=most, once=once))
    of_value = sentences.OF_VALUE.search(error.text) and not sentences.OF_NAME.search(error.text)
    words = sentences.OF_VALUE if of_value else sentences.UNSUPPORTED
    wrong_inside = STRUCTURED if _INSIDE.search(error.text) else frozenset()
    name = _named(error, sent.keys() - NEEDED - wrong_inside, own, words)
    if not name or (name in LIMITS and (of_value or "unsupported_value" in error.text)):
        return None
    return Refusal("upstream_rejected", change=Change(drop=name, once=bool(of_value)))


def _limit(sent: JSON) -> int | None:
    return next((sent[name] for name in LIMITS if isinstance(sent.get(name), int)), None)


def _by_status(status: int, error: ErrorBody, model: str) -> Refusal:
    if status == 429 or "rate_limit_exceeded" in error.text or _is_busy(status, error):
        return Refusal("rate_limit_exceeded", retry_after=error.retry_delay())  # a retry would add load
    if status >= 500 or status < 300:
        return Refusal("upstream_error", permanent=False)
    if status in (401, 403, 407) or (status == 400 and sentences.WRONG_KEY.search(error.text)):
        return Refusal("upstream_unauthorized")
    if (error.is_html and status != 413) or sentences.WRONG_PATH.search(error.text):
        return Refusal("upstream_wrong_address")
    of_model = model and (model.lower() in error.text or sentences.OF_MODEL.search(error.text))
    if sentences.MODEL_UNKNOWN.search(error.text) or (status == 404 and of_model):
        return Refusal("upstream_not_found" if error.is_json else "upstream_wrong_address")
    return Refusal("upstream_wrong_address" if status in (404, 405) else "upstream_rejected")


def _is_no_credit(status: int, error: ErrorBody) -> bool:
    if status == 429 and sentences.PER_TIME.search(error.text):
        return False
    return status == 402 or (status in (200, 400, 403, 429) and bool(sentences.NO_CREDIT.search(error.text)))


def _is_filtered(status: int, error: ErrorBody) -> bool:
    found = status in (400, 403) and sentences.FILTERED.search(error.text)
    return bool(found) and "account" not in error.text


def _is_busy(status: int, error: ErrorBody) -> bool:
    """Whether a 4xx that speaks of too many tokens means tokens per time."""
    full, busy = (pattern.search(error.text) for pattern in (sentences.CONTEXT_FULL, sentences.BUSY))
    return status in _BY_WORDS and full is not None and busy is not None


def _room(text: str, limit: int) -> Change | None:
    """The tokens left for the answer, 0 if unknown, and the context; None: the prompt alone is too long."""
    found = next(filter(None, (pattern.search(text) for pattern in sentences.TOO_MUCH)), None)
    if found is None:
        return None
    numbers = {name: int(number) for name, number in found.groupdict().items() if number}
    context = numbers["context"]
    prompt = numbers["prompt"] if "prompt" in numbers else numbers.get("total", limit) - limit
    room = context - prompt
    if prompt <= 0:  # unknown, or the server counts another limit
        return Change(room=0, context=context)
    return Change(room=room, context=context) if MIN_ROOM <= room < limit else None


def _most(error: ErrorBody, limit: int) -> int | None:
    """The greatest limit that the server accepts, if it refuses ours as too large."""
    if not sentences.OF_LIMIT.search(error.text) and not error.fields & set(LIMITS):
        return None
    numbers = (int(m["most"] or int(m["below"]) - 1) for m in sentences.AT_MOST.finditer(error.text))
    return next((number for number in numbers if MIN_LIMIT <= number < limit), None)


def _named(error: ErrorBody, fields: Collection[str], own: Collection[str], words: re.Pattern[str]) -> str:
    """The sent field that is refused in these words; "" if the server names none."""
    places = [match.span() for match in islice(words.finditer(error.text), _MATCHES)]
    if not places:
        return ""
    if error.fields:
        return next((name for name in sorted(fields) if name.lower() in error.fields), "")
    near = [
        (_distance(error.text, at.span(), place), at.start(), name)
        for name in fields
        for at in islice(re.finditer(rf"(?<!\w){re.escape(name.lower())}(?!\w)", error.text), _MATCHES)
        if _is_quoted(error.text, at) or (name not in own and _is_direct(error.text, at))
        for place in places
    ]
    distance, _, name = min(near, default=(_NEAR, 0, ""))
    return name if distance < _NEAR else ""


def _is_quoted(text: str, at: re.Match[str]) -> bool:
    marks = text[max(at.start() - 1, 0) : at.start()] + text[at.end() : at.end() + 1]
    return marks in ("''", '""', "``", "[]")


def _is_direct(text: str, at: re.Match[str]) -> bool:
    """Whether the name stands beside "parameter", or beside the words of its refusal."""
    before = text[max(at.start() - _NEAR, 0) : at.start()]
    return bool(sentences.BEFORE_NAME.search(before) or sentences.AFTER_NAME.match(text, at.end()))


def _distance(text: str, name: tuple[int, int], word: tuple[int, int]) -> int:
    """Characters between a name and the word that refuses it; _NEAR in another sentence."""
    (start, end), (first, last) = name, word
    on_right = start >= last
    gap = text[last:start] if on_right else text[end:first]
    if re.search(r"[.;] ", gap):
        return _NEAR
    of_left = text[first:last].startswith(("not ", "only ")) or text[:first].endswith(("is ", "are "))
    return len(gap) + (_WRONG_SIDE if on_right is of_left else 0)
