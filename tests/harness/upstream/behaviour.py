"""The grammar of the upstream's model names.

    model = part *( "+" part ) [ "@" rate ] [ ":" label ]

`words-50+cut-after-5@20:mine` asks for 50 words at 20 words per second, in a stream that is cut after 5. The
label does nothing; it makes the name a test's own, so that parallel tests find their own requests. Where
two parts set the same thing, the last one counts. Without a rate the words come as fast as they can.

The text (20 words, unless a part says otherwise):

    fast                 nothing special
    words-N              N words: "w0 w1 w2 …"; after a last message of the assistant (a prefill) they go on
    echo                 the last message of the user
    spell                the same, one character at a time
    article-N            N words of Markdown: headings, lists, tables, code, again and again
    nul                  escapes of U+0000, of lone surrogates and of a pair that two chunks share
    split-utf8           characters of many bytes, each cut over two TCP writes
    reasoning-N          N words of reasoning ("r0 r1 …") first
    length-N             N words, and finish_reason "length"
    no-usage             no usage chunk, though it was asked for
    crlf                 lines that end with CR LF
    bom                  a byte order mark before everything; the first chunk has text, no role
    no-space             `data:` without a space behind it
    many-lines           every chunk on several `data:` lines
    keep-alives          before each chunk what servers send to keep a connection: comments, empty lines,
                         events without data, chunks without choices or without text
    wait-N               N seconds of silence before the first word
    hold-after-N         N chunks, and the rest once the test says `release`; it is made anew for each request

The faults (N counts the chunks that carry text, of reasoning too):

    status-N             an error of HTTP status N, as OpenAI words it
    retry-after-N        429 with `Retry-After: N`; `retry-after-N+status-503` is a 503 with it
    retry-after-date-N   429 with the HTTP date in N seconds
    retry-after-ms-N     429 with OpenAI's `retry-after-ms: N`
    html                 an HTML page with status 200
    no-reply             the request is accepted, not even headers come back
    stall-first          headers, then nothing
    stall-after-N        N chunks, then nothing
    stall-last           all of the text and finish_reason, then nothing
    stall-done           everything, [DONE] too, but the body stays open
    cut-after-N          the body ends as if all were well, without finish_reason and without [DONE]
    drop-after-N         the connection is closed (FIN) in the middle of the body
    reset-after-N        the connection is reset (RST)
    bad-json-after-N     one event of broken JSON, then the rest
    bad-utf8-after-N     one event that is not UTF-8, then the rest
    error-in-stream-after-N   `data: {"error": …}`, then [DONE]
    comments-only        `: keep-alive` for ever, at the rate, or 10 per second
    comments-after-N     N chunks, then the same
    empty-after-N        N chunks, then chunks without text for ever, as often
    huge-line-N          one line of N MB that does not end
    times-N              the fault hits the first N requests for this very name; later ones are answered well
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from tests.harness.upstream import texts

MODEL = re.compile(r"(?P<parts>[a-z0-9+-]+)(?:@(?P<rate>\d+(?:\.\d+)?))?(?::(?P<label>.+))?", re.DOTALL)


class UnknownModelError(ValueError):
    """The name is not of the grammar."""


@dataclass(frozen=True)
class Behaviour:
    """The behaviour that one model name selects."""

    text: str = "words"  # words | echo | spell | article | nul | characters
    words: int = 20
    reasoning: int = 0
    rate: float = 0.0  # words per second; 0 is as fast as it can
    wait_secs: int = 0
    status: int = 200
    retry_after: int | None = None  # in seconds, but for the form "ms"
    retry_after_form: str = "seconds"  # seconds | date | ms
    fault: str = ""
    after: int = 0  # chunks of text before the fault; for huge-line its megabytes
    times: int | None = None  # requests that the fault hits; None is all
    finish_reason: str = "stop"
    usage: bool = True
    newline: bytes = b"\n"
    field_name: bytes = b"data: "
    start: bytes = b""
    many_lines: bool = False
    keep_alives: bool = False
    split: bool = False

    @property
    def refuses(self) -> bool:
        """Whether the answer is an HTTP error."""
        return self.status != 200

    def on_request(self, number: int) -> "Behaviour":
        """Return what the model does for its `number`th request (from 1)."""
        if self.times is None or number <= self.times:
            return self
        return replace(self, status=200, retry_after=None, fault="", after=0)


PLAIN: dict[str, dict[str, Any]] = {
    "fast": {},
    "echo": {"text": "echo"},
    "spell": {"text": "spell"},
    "nul": {"text": "nul"},
    "split-utf8": {"text": "characters", "split": True},
    "no-usage": {"usage": False},
    "crlf": {"newline": b"\r\n"},
    "bom": {"start": b"\xef\xbb\xbf"},
    "no-space": {"field_name": b"data:"},
    "many-lines": {"many_lines": True},
    "keep-alives": {"keep_alives": True},
    **{fault: {"fault": fault} for fault in ("html", "no-reply", "comments-only")},
    **{fault: {"fault": fault} for fault in ("stall-first", "stall-last", "stall-done")},
}
NUMBERED: dict[str, Callable[[int], dict[str, Any]]] = {
    "words": lambda number: {"text": "words", "words": number},
    "article": lambda number: {"text": "article", "words": number},
    "reasoning": lambda number: {"reasoning": number},
    "length": lambda number: {"text": "words", "words": number, "finish_reason": "length"},
    "wait": lambda number: {"wait_secs": number},
    "status": lambda number: {"status": number},
    "retry-after": lambda number: refusal(number, "seconds"),
    "retry-after-date": lambda number: refusal(number, "date"),
    "retry-after-ms": lambda number: refusal(number, "ms"),
    "huge-line": lambda number: {"fault": "huge-line", "after": number},
    "times": lambda number: {"times": number},
}
FAULTS_AFTER = (
    "hold",
    "stall",
    "cut",
    "drop",
    "reset",
    "bad-json",
    "bad-utf8",
    "error-in-stream",
    "comments",
    "empty",
)


def refusal(retry_after: int, form: str) -> dict[str, Any]:
    """Return the fields of a refusal that says when to come back."""
    return {"status": 429, "retry_after": retry_after, "retry_after_form": form}


def fault_after(fault: str) -> Callable[[int], dict[str, Any]]:
    """Return the fields of a fault that comes after a number of chunks."""
    return lambda number: {"fault": fault, "after": number}


NUMBERED |= {f"{fault}-after": fault_after(fault) for fault in FAULTS_AFTER}


def fields(part: str) -> dict[str, Any]:
    """Return what one part sets. Raise UnknownModelError for a part that is not of the grammar."""
    if part in PLAIN:
        return PLAIN[part]
    word, _, number = part.rpartition("-")
    if word in NUMBERED and number.isascii() and number.isdigit():
        return NUMBERED[word](int(number))
    raise UnknownModelError(f"the scripted upstream has no part {part!r}")


def parse(model: str) -> Behaviour:
    """Read a model name. Raise UnknownModelError for one that is not of the grammar."""
    match = MODEL.fullmatch(model)
    if match is None:
        raise UnknownModelError(f"the scripted upstream cannot read {model!r}")
    behaviour = Behaviour(rate=float(match["rate"] or 0))
    for part in match["parts"].split("+"):
        behaviour = replace(behaviour, **fields(part))
    if not 200 <= behaviour.status <= 599:
        raise UnknownModelError(f"no HTTP answer has the status {behaviour.status}")
    return behaviour


def text_of(model: str, prompt: str = "") -> str:
    """Return the text of a model without a fault, which a test expects."""
    return "".join(pieces(parse(model), prompt))


def pieces(behaviour: Behaviour, prompt: str) -> list[str]:
    """Return the text in the pieces that are streamed."""
    match behaviour.text:
        case "echo":
            return texts.words(prompt)
        case "spell":
            return list(prompt)
        case "article":
            return texts.article(behaviour.words)
        case "nul":
            return list(texts.HOSTILE)
        case "characters":
            return texts.characters(behaviour.words)
        case _:
            return texts.numbered("w", behaviour.words)
