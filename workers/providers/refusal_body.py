"""The words of an error's body: those of the server alone, without the prompt that it quotes. Pure."""

import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from chat.protocol.events import JSON
from workers.providers import refusal_sentences as sentences

MAX_BODY_BYTES = 16 * 1024  # of the beginning that is read
_QUOTED = 20  # a run of characters in common with the prompt
_DEPTH = 8
# keys of an error's body that are read; others may hold the request
_READ = frozenset(
    (
        *("code", "type", "param", "loc", "status", "message", "msg", "detail", "details", "error", "errors"),
        *("reason", "title", "description", "fieldviolations", "retrydelay", "metadata", "raw"),
        *("error_type", "errorcode", "innererror", "inner_error"),
    )
)
_CODES = frozenset(
    ("code", "type", "param", "loc", "status", "error_type", "errorcode")
)  # never of the prompt
_INPUT = re.compile(r"""['"]input['"] ?:.*|\binput_value=.*""")


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """An error's body: the text of the keys that are read, and the fields it names, in lower case."""

    text: str
    fields: frozenset[str] = frozenset()
    is_json: bool = False
    is_html: bool = False

    @classmethod
    def read(cls, body: bytes, prompt: str = "") -> "ErrorBody":
        """Read JSON, cut JSON, plain text or HTML, without the words of the prompt."""
        text = _unpacked(body)[:MAX_BODY_BYTES].decode(errors="replace").strip().lstrip("\ufeff")
        if text[:1] == "<":
            return cls("", is_html=True)
        if text[:1] not in ("{", "["):
            return cls(_judged(text, prompt))
        try:
            pairs = list(_pairs(json.loads(text)))
        except (ValueError, RecursionError):  # cut, or nested too deep
            pairs = _pairs_in_cut(text)
        fields = frozenset(_field(value) for key, value in pairs if key in ("param", "loc"))
        judged = (f"{k} {_normal(v) if k in _CODES else _judged(v, prompt)}" for k, v in pairs)
        return cls(" ; ".join(judged), fields - {"", "none", "null"}, is_json=True)

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
    text = re.split(r'"input"\s*:', text, maxsplit=1)[0]
    found = re.findall(r'"(code|type|param|message|msg|detail|error)"\s*:\s*"((?:[^"\\]|\\.){0,2000})"', text)
    places = re.findall(r'"loc"\s*:\s*\[\s*"body"\s*,\s*"(\w+)"', text)
    return [*found, *(("loc", place) for place in places)]


def _field(place: str) -> str:
    """The outermost field: `stream_options.include_usage` is in `stream_options`."""
    return re.split(r"[.\[/]", place.lower().removeprefix("body.").lstrip("#/$."))[0]


def _normal(text: str) -> str:
    """Lower case, white space as one space, without backslashes."""
    return re.sub(r"\s+", " ", text.lower().replace("\\", ""))


def _judged(text: str, prompt: str) -> str:
    """The words of the server: no quoted input, no run of characters of the prompt."""
    text = _INPUT.sub("", _normal(text))
    known, half = _normal(prompt), _QUOTED // 2
    grams = {known[at : at + half] for at in range(0, len(known), half)}
    quoted: set[int] = set()
    for at in range(len(text)):
        if at not in quoted and text[at : at + half] in grams:
            for start in range(max(at - half, 0), at + 1):
                run = text[start : start + _QUOTED]
                if len(run) == _QUOTED and run in known:
                    quoted.update(range(start, start + _QUOTED))
    return "".join(character for at, character in enumerate(text) if at not in quoted)


def contents(sent: JSON) -> str:
    """The texts of the prompt, without data of images and files: megabytes that no error quotes."""
    return "\n".join(
        text for message in sent.get("messages") or sent.get("input", ()) for text in _texts(message)
    )


def _texts(message: JSON) -> Iterator[str]:
    content = message.get("content") or message.get("output") or message.get("arguments") or ""
    yield from [content] if isinstance(content, str) else (part.get("text", "") for part in content)
    yield from (call["function"]["arguments"] for call in message.get("tool_calls", ()))
