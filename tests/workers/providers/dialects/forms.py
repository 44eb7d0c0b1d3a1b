"""One answer in the forms of framing and encoding; gateways and proxies wrote each of them."""

import gzip
import json
import zlib
from dataclasses import replace

from tests.workers.providers.dialects.base import DOCUMENT, Dialect, compact, counts, delta, events

CHUNKS = [delta("Grüße ", role="assistant"), delta("🌊"), delta("", "stop") | {"usage": counts(2)}]
STREAM = events(*CHUNKS)
PLAIN = Dialect("", STREAM, text="Grüße 🌊", output_tokens=2)
COMPLETION = {
    "object": "chat.completion",
    "choices": [{"index": 0, "message": {"content": "Grüße 🌊"}, "finish_reason": "stop"}],
    "usage": counts(2),
}
INDENTED = "".join(
    "".join(f"data: {line}\n" for line in json.dumps(chunk, indent=1).splitlines()) + "\n" for chunk in CHUNKS
)


def form(
    seen: str, body: bytes = STREAM, content_type: str | None = "text/event-stream", **headers: str
) -> Dialect:
    """Return the answer in another form."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return replace(PLAIN, seen=seen, body=body, content_type=content_type, headers=named)


FORMS = {
    "type-json": form("SSE under application/json", content_type=DOCUMENT),
    "type-plain": form("SSE under text/plain", content_type="text/plain; charset=utf-8"),
    "type-none": form("SSE without a content type", content_type=None),
    "type-upper-case": form("SSE under another spelling", content_type="Text/Event-Stream;Charset=UTF-8"),
    "type-octets": form("SSE under application/octet-stream", content_type="application/octet-stream"),
    "completion-as-events": form("one completion under text/event-stream", compact(COMPLETION).encode()),
    "completion-indented": form(
        "one indented completion", json.dumps(COMPLETION, indent=2).encode(), DOCUMENT
    ),
    "completion-crlf": form(
        "one indented completion, CRLF",
        json.dumps(COMPLETION, indent=2).replace("\n", "\r\n").encode(),
        DOCUMENT,
    ),
    "completion-plain": form("one completion under text/plain", compact(COMPLETION).encode(), "text/plain"),
    "completion-bom": form("a byte order mark", b"\xef\xbb\xbf" + compact(COMPLETION).encode(), DOCUMENT),
    "completion-in-list": form("a list with one completion", compact([COMPLETION]).encode(), DOCUMENT),
    "json-lines": form("lines of JSON", "\n".join(map(compact, CHUNKS)).encode(), "application/x-ndjson"),
    "json-lines-done": form(
        "lines of JSON and [DONE]", "\n".join([*map(compact, CHUNKS), "[DONE]"]).encode(), None
    ),
    "json-list": form("a list of chunks", json.dumps(CHUNKS, indent=1).encode(), DOCUMENT),
    "cr": form("CR", STREAM.replace(b"\n", b"\r")),
    "crlf": form("CRLF", STREAM.replace(b"\n", b"\r\n")),
    "mixed-ends": form("LF and CRLF", STREAM.replace(b"\n", b"\r\n", 3)),
    "no-blank-lines": form("no empty lines", STREAM.replace(b"\n\n", b"\n")),
    "many-blank-lines": form("many empty lines", b"\n\n" + STREAM.replace(b"\n\n", b"\n\n\n\n")),
    "no-last-blank-line": form("no empty line at the end", events(*CHUNKS, done=None).removesuffix(b"\n")),
    "no-last-line-end": form("no line end at the end", events(*CHUNKS, done=None).rstrip()),
    "done-without-end": form("[DONE] without a line end", STREAM.rstrip()),
    "done-in-quotes": form('"[DONE]"', events(*CHUNKS, done='"[DONE]"')),
    "no-space": form("no space", STREAM.replace(b"data: ", b"data:")),
    "many-spaces": form("spaces", STREAM.replace(b"data: ", b"data:  \t").replace(b"\n\n", b" \n\n")),
    "data-twice": form("a proxy before a proxy", STREAM.replace(b"data: ", b"data: data: ")),
    "many-lines": form("an indented event", (INDENTED + "data: [DONE]\n\n").encode()),
    "bom": form("a byte order mark", b"\xef\xbb\xbf" + STREAM),
    "fields": form("all fields", STREAM.replace(b"data: {", b"id: 7\nevent: message\nretry: 3\ndata: {")),
    "comments": form("comments between lines", b":\n\n" + STREAM.replace(b"\n\n", b"\n: on\n\n")),
    "empty-data": form(
        "data without a value", STREAM.replace(b"data: {", b"data:\n\ndata\n\ndata: null\n\ndata: {")
    ),
    "data-missing": form("an event without its field", STREAM.replace(b"data: {", b"{", 1)),
    "utf-16": form("UTF-16", STREAM.decode().encode("utf-16"), "text/event-stream; charset=utf-16"),
    "utf-16-unnamed": form("UTF-16 without a mark", STREAM.decode().encode("utf-16-le")),
    "gzip": form("gzip, not asked for", gzip.compress(STREAM, mtime=0), Content_Encoding="gzip"),
    "gzip-unnamed": form("gzip without a header", gzip.compress(STREAM, mtime=0)),
    "gzip-members": form(
        "a gzip member for each event",
        b"".join(gzip.compress(one + b"\n\n", mtime=0) for one in STREAM.split(b"\n\n") if one),
        Content_Encoding="gzip",
    ),
    "gzip-completion": form(
        "gzip", gzip.compress(compact(COMPLETION).encode(), mtime=0), DOCUMENT, Content_Encoding="x-gzip"
    ),
    "deflate": form("deflate", zlib.compress(STREAM), Content_Encoding="deflate"),
    "surrogates-escaped": form(
        "a pair in two chunks",
        STREAM.replace(
            "🌊".encode(),
            rb'\ud83c"},"finish_reason":null}]}%sdata: {"choices":[{"delta":{"content":"\udf0a' % b"\n\n",
        ),
    ),
    "surrogates-in-utf-8": form("CESU-8", STREAM.replace("🌊".encode(), b"\xed\xa0\xbc\xed\xbc\x8a")),
    "latin-1": replace(
        form(
            "ISO-8859-1",
            STREAM.replace("🌊".encode(), b"").decode().encode("latin-1"),
            "text/event-stream; charset=ISO-8859-1",
        ),
        text="Grüße ",
    ),
    "raw-tab": replace(form("a raw tab in a string", STREAM.replace("ü".encode(), b"\t")), text="Gr\tße 🌊"),
    "nul": replace(
        form("an escaped NUL", STREAM.replace("ü".encode(), rb"\u0000")),
        text="Gr\N{REPLACEMENT CHARACTER}ße 🌊",
    ),
}
