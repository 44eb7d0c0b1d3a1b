"""Judge a refused request: its code, and the change that the server accepts. Pure.

Of an error's body only codes, names of fields and known sentences count.
"""

import json
import re
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from chat.protocol.events import JSON
from workers.providers import refusal_sentences as sentences
from workers.providers.changes import LIMIT_FIELDS, NEEDED, Change

MAX_BODY_BYTES = 16 * 1024
MIN_ROOM = 32  # a shorter answer is none: the context is full
MIN_LIMIT = 256  # a smaller one is no model's limit

_NEAR = 100  # characters between a field and the word that refuses it
_MATCHES = 20  # of each, in a long text
_DEPTH = 8
# keys of an error's body that are read; others may hold the request
_READ = frozenset(
    (
        *("code", "type", "param", "loc", "status", "message", "msg", "detail", "details", "error", "errors"),
        *("reason", "title", "description", "fieldviolations", "retrydelay", "metadata", "raw"),
        *("error_type", "errorcode", "innererror", "inner_error"),
    )
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """`code`: a key of FAILURES; `retry_after`: seconds that the body names."""

    code: str
    permanent: bool = True
    retry_after: float | None = None
    change: Change | None = None


def judge(status: int, body: bytes, sent: JSON) -> Refusal:
    """Judge an error or a redirect. `body`: its beginning; `sent`: the request's body, empty for a GET."""
    if 300 <= status < 400:
        return Refusal("upstream_wrong_address")
    error = _Error.read(body)
    if status == 402 or (sentences.NO_CREDIT.search(error.text) and not _is_rate(status, error)):
        return Refusal("upstream_no_credit")
    if status in (400, 413, 422) or status >= 500:
        refusal = _of_request(error, sent)
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
    base = parts.path.removesuffix("/chat/completions").removesuffix("/models")
    return f"{found}; did you mean {place}{base}/v1?"


def _of_request(error: "_Error", sent: JSON) -> Refusal | None:
    """The refusal of something in the request; None: of the whole."""
    limit = next((sent[name] for name in LIMIT_FIELDS if isinstance(sent.get(name), int)), None)
    if sentences.CONTEXT_FULL.search(error.text) or any(
        pattern.search(error.text) for pattern in sentences.TOO_MUCH
    ):
        room = _room(error.text, limit) if limit else None
        return Refusal("context_length_exceeded", change=None if room is None else Change(room=room))
    if limit and (most := _most(error, limit)):
        return Refusal("upstream_rejected", change=Change(limit=most))
    if name := _refused_field(error, sent.keys() - NEEDED):
        return Refusal("upstream_rejected", change=Change(drop=name))
    return None


def _by_status(status: int, error: "_Error", model: str) -> Refusal:
    if status == 429 or "rate_limit_exceeded" in error.text:
        return Refusal("rate_limit_exceeded", retry_after=error.retry_delay())  # a retry would add load
    if status >= 500:
        return Refusal("upstream_error", permanent=False)
    if status in (401, 403, 407) or (status == 400 and sentences.WRONG_KEY.search(error.text)):
        return Refusal("upstream_unauthorized")
    if (error.is_html and status != 413) or sentences.WRONG_PATH.search(error.text):
        return Refusal("upstream_wrong_address")
    of_model = model and (model.lower() in error.text or sentences.OF_MODEL.search(error.text))
    if sentences.MODEL_UNKNOWN.search(error.text) or (status == 404 and of_model):
        return Refusal("upstream_not_found" if error.is_json else "upstream_wrong_address")
    return Refusal("upstream_wrong_address" if status in (404, 405) else "upstream_rejected")


def _is_rate(status: int, error: "_Error") -> bool:
    return status == 429 and sentences.PER_TIME.search(error.text) is not None


def _room(text: str, limit: int) -> int | None:
    """Tokens left for the answer; 0 if unknown; None: the prompt alone is too long."""
    found = next(filter(None, (pattern.search(text) for pattern in sentences.TOO_MUCH)), None)
    if found is None:
        return None
    numbers = {name: int(number) for name, number in found.groupdict().items() if number}
    prompt = numbers["prompt"] if "prompt" in numbers else numbers.get("total", limit) - limit
    if prompt <= 0:  # unknown, or the server counts another limit
        return 0
    room = numbers["context"] - prompt
    return room if MIN_ROOM <= room < limit else None


def _most(error: "_Error", limit: int) -> int | None:
    """The greatest limit that the server accepts, if it refuses ours as too large."""
    if not sentences.OF_LIMIT.search(error.text) and not error.fields & set(LIMIT_FIELDS):
        return None
    numbers = (int(m["most"] or int(m["below"]) - 1) for m in sentences.AT_MOST.finditer(error.text))
    return next((number for number in numbers if MIN_LIMIT <= number < limit), None)


def _refused_field(error: "_Error", fields: Collection[str]) -> str:
    """The sent field that the server does not take; "" if it names none."""
    if not sentences.UNSUPPORTED.search(error.text):
        return ""
    named = [name for name in sorted(fields) if name.lower() in error.fields]
    return named[0] if named else _named_near(error.text, fields)


def _named_near(text: str, fields: Collection[str]) -> str:
    """The field nearest to a word that refuses it."""
    words = [match.span() for match in islice(sentences.UNSUPPORTED.finditer(text), _MATCHES)]
    near = [
        (min(max(at.start() - end, start - at.end(), 0) for start, end in words), at.start(), name)
        for name in fields
        for at in islice(re.finditer(rf"(?<!\w){re.escape(name.lower())}(?!\w)", text), _MATCHES)
    ]
    distance, _, name = min(near, default=(_NEAR, 0, ""))
    return name if distance < _NEAR else ""


@dataclass(frozen=True, slots=True)
class _Error:
    """An error's body: the text of the keys that are read, and the fields it names, in lower case."""

    text: str
    fields: frozenset[str] = frozenset()
    is_json: bool = False
    is_html: bool = False

    @classmethod
    def read(cls, body: bytes) -> "_Error":
        """Read JSON, cut JSON, plain text or HTML."""
        text = _unpacked(body)[:MAX_BODY_BYTES].decode(errors="replace").strip().lstrip("\ufeff")
        if text[:1] == "<":
            return cls("", is_html=True)
        if text[:1] not in ("{", "["):
            return cls(_normal(text))
        try:
            pairs = list(_pairs(json.loads(text)))
        except (ValueError, RecursionError):  # cut, or nested too deep
            pairs = _pairs_in_cut(text)
        fields = frozenset(_field(value) for key, value in pairs if key in ("param", "loc"))
        return cls(_normal(" ; ".join(f"{key} {value}" for key, value in pairs)), fields - {""}, is_json=True)

    def retry_delay(self) -> float | None:
        """Seconds to wait, if the text names them."""
        found = sentences.RETRY_DELAY.search(self.text)
        return float(found[1]) / (1000 if found[2].startswith("m") else 1) if found else None


def _unpacked(body: bytes) -> bytes:
    if body[:2] != b"\x1f\x8b":
        return body
    try:
        return zlib.decompressobj(wbits=31).decompress(body, MAX_BODY_BYTES)
    except zlib.error:
        return b""


def _pairs(value: Any, key: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Keys and texts of the parts that are read."""
    if key == "loc" and isinstance(value, list):
        yield key, ".".join(str(each) for each in value if each != "body")
    elif isinstance(value, dict | list) and depth < _DEPTH:
        inner = value.items() if isinstance(value, dict) else ((key, each) for each in value)
        for name, each in inner:
            if name.lower() in _READ or not name:
                yield from _pairs(each, name.lower(), depth + 1)
    elif isinstance(value, str | int | float):
        yield key, str(value)


def _pairs_in_cut(text: str) -> list[tuple[str, str]]:
    found = re.findall(r'"(code|type|param|message|msg|detail|error)"\s*:\s*"((?:[^"\\]|\\.){0,2000})"', text)
    places = re.findall(r'"loc"\s*:\s*\[\s*"body"\s*,\s*"(\w+)"', text)
    return [*found, *(("loc", place) for place in places)]


def _field(place: str) -> str:
    """The outermost field: `stream_options.include_usage` is in `stream_options`."""
    return re.split(r"[.\[/]", place.lower().removeprefix("body.").lstrip("#/$."))[0]


def _normal(text: str) -> str:
    """Lower case, white space as one space, without the quoted input of pydantic's messages."""
    text = re.sub(r"\binput_value=.{0,200}", "", text.lower().replace("\\", ""))
    return re.sub(r"\s+", " ", text)
