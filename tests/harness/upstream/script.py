"""The script of an answer. A prompt begins with it, in brackets: `[words-50+cut-after-5@20] any label`.

    prompt = "[" part *( "+" part ) [ "@" rate ] "]" [ white space, label ]

This asks for 50 words, 20 per second, in a stream that is cut after 5. Without a rate words are sent as fast
as possible; a prompt without brackets gets 20 of them. Of parts that set the same thing the last one counts.
A request that demands a function's call (`tool_choice`) or JSON (`response_format`) gets that, not words.
A model's name in brackets replaces the prompt's script: for prompts that must look natural.

The text:

    fast                 20 words: "w0 w1 w2 …"
    words-N              N words; after a last message of the assistant (a prefill) they continue
    echo                 the label
    spell                the label, one character at a time
    article-N            N words of Markdown with every element, repeated as necessary
    stamped-N            N tokens of the benchmark (`bench/tokens.py`)
    split-utf8           characters of several bytes, each cut over two TCP writes
    reasoning-N          N words of reasoning ("r0 r1 …") first
    length-N             N words, and finish_reason "length"
    no-usage             no usage chunk, although requested
    wait-N               N seconds before the first word
    hold-after-N         N chunks, and the rest when the test calls `release`, for each request anew
    tool-NAME            a call of the function NAME with {"title": label}; after its result the text
    refuse               the text is a refusal; this, searches and calls in the Responses API alone
    search               a web search first, by a tool of the server
    call-N               N calls of functions last
    dialect-NAME         the bytes of a dialect (`tests/workers/providers/dialects`) instead

A server's limits (of FIELD, `-` stands for `_`):

    refuse-FIELD         400 in OpenAI's words while the request has the field
    forbid-FIELD         422 in FastAPI's words while the request has the field
    no-credit-429        429 with `insufficient_quota`, without Retry-After; also no-credit-402
    too-long-SERVER      400: the context is full, in the words of openai or llamacpp
    room-N               the same in vLLM's words while `max_tokens` is above N

The faults (N counts chunks with text, including reasoning):

    status-N             HTTP status N with an error as OpenAI formats it
    retry-after-N        429 with `Retry-After: N`; `retry-after-N+status-503` is a 503 with it
    retry-after-date-N   429 with the HTTP date in N seconds
    retry-after-ms-N     429 with OpenAI's `retry-after-ms: N`
    html                 an HTML page with status 200
    no-reply             nothing, not even headers
    stall-first          headers, then nothing
    stall-after-N        N chunks, then nothing
    stall-last           all text and finish_reason, then nothing
    stall-done           everything including [DONE], but the body stays open
    cut-after-N          the body ends regularly, without finish_reason and [DONE]
    drop-after-N         the connection closes (FIN) inside the body
    reset-after-N        the connection is reset (RST)
    bad-json-after-N     one event of broken JSON, then the rest
    bad-utf8-after-N     one event that is not UTF-8, then the rest
    error-in-stream-after-N   `data: {"error": …}`, then [DONE]
    comments-only        `: keep-alive` for ever, at the rate, or 10 per second
    comments-after-N     N chunks, then the same
    empty-after-N        N chunks, then chunks without text for ever, as often
    failed-after-N       N chunks, then `response.failed` (Responses API)
    too-old              a run's stream cannot be continued any more, only its object (Responses API)
    huge-line-N          one line of N MB without end
    times-N              the fault hits the first N requests with this very prompt; later ones have none
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from email.utils import formatdate
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from tests.workers.providers.dialects import DIALECTS

PROMPT = re.compile(r"\[(?P<script>[^\]]*)\]\s?(?P<label>.*)", re.DOTALL)
SCRIPT = re.compile(r"(?P<parts>[a-z0-9+-]+)(?:@(?P<rate>\d+(?:\.\d+)?))?")
WORD = re.compile(r"\s*\S+|\s+$")
# the white space follows each word: the next article begins a new block
ARTICLE = re.findall(r"\S+\s*", (Path(__file__).parent / "article.md").read_text())
CHARACTERS = ("naïve ", "水車 ", "🌊 ", "e\u0301té ", "👩‍💻 ")  # of 2, 3 and 4 bytes, combining, joined


class BadScriptError(ValueError):
    """The script has a part that does not exist."""


@dataclass(frozen=True)
class Script:
    """The behaviour that one prompt selects."""

    text: str = "words"  # words | echo | spell | article | stamped | characters
    count: int = 20
    reasoning: int = 0
    rate: float = 0.0  # chunks per second; 0 is as fast as possible
    wait_secs: int = 0
    status: int = 200
    retry_after: tuple[str, int] | None = None  # its form (seconds, date, ms) and its number
    fault: str = ""
    after: int = 0  # chunks before the fault; of huge-line the megabytes
    times: int | None = None  # requests that the fault hits; None is all
    finish_reason: str = "stop"
    usage: bool = True
    dialect: str = ""
    tool: str = ""  # the function that is called first
    refuse: str = ""  # a field
    forbid: str = ""  # a field
    room: int | None = None  # tokens for the answer
    refusal: str = ""  # a key of `refusals.ERRORS`
    refuses: bool = False
    searches: bool = False
    calls: int = 0
    is_too_old: bool = False

    def on_request(self, number: int) -> "Script":
        """Return the script of the `number`th request (from 1) with the same prompt."""
        if self.times is None or number <= self.times:
            return self
        return replace(self, status=200, retry_after=None, fault="", refusal="")

    def retry_headers(self) -> dict[str, str]:
        """Return the headers with the time to wait, if the script has one."""
        match self.retry_after:
            case ("ms", number):
                return {"retry-after-ms": str(number)}
            case ("date", number):
                now = time.time()
                return {
                    "Date": formatdate(now, usegmt=True),
                    "Retry-After": formatdate(now + number, usegmt=True),
                }
            case (_, number):
                return {"Retry-After": str(number)}
        return {}

    def pieces(self, label: str) -> list[str]:
        """Return the text in the pieces that are streamed; it is not known before for `stamped`."""
        match self.text:
            case "echo":
                return WORD.findall(label)
            case "spell":
                return list(label)
            case "article":
                return list(islice(cycle(ARTICLE), self.count))
            case "characters":
                return list(islice(cycle(CHARACTERS), self.count))
        return numbered("w", self.count)


def numbered(letter: str, count: int) -> list[str]:
    """Return the pieces of "w0 w1 w2 …"; all but the first begin with the space."""
    return [f"{' ' * (number > 0)}{letter}{number}" for number in range(count)]


PLAIN: dict[str, dict[str, Any]] = {
    "fast": {},
    "echo": {"text": "echo"},
    "spell": {"text": "spell"},
    "split-utf8": {"text": "characters"},
    "no-usage": {"usage": False},
    "refuse": {"refuses": True},
    "search": {"searches": True},
    "too-old": {"is_too_old": True},
}
PLAIN |= {
    fault: {"fault": fault}
    for fault in ("html", "no-reply", "stall-first", "stall-last", "stall-done", "comments-only")
}
PLAIN |= {
    refusal: {"refusal": refusal}
    for refusal in (
        "no-credit-402",
        "no-credit-429",
        "too-long-openai",
        "too-long-llamacpp",
    )
}
FIELD = re.compile(r"(refuse|forbid)-([a-z-]+)")
NUMBERED: dict[str, Callable[[int], dict[str, Any]]] = {
    "words": lambda number: {"count": number},
    "article": lambda number: {"text": "article", "count": number},
    "stamped": lambda number: {"text": "stamped", "count": number},
    "reasoning": lambda number: {"reasoning": number},
    "length": lambda number: {"count": number, "finish_reason": "length"},
    "wait": lambda number: {"wait_secs": number},
    "status": lambda number: {"status": number},
    "retry-after": lambda number: {"status": 429, "retry_after": ("seconds", number)},
    "retry-after-date": lambda number: {"status": 429, "retry_after": ("date", number)},
    "retry-after-ms": lambda number: {"status": 429, "retry_after": ("ms", number)},
    "huge-line": lambda number: {"fault": "huge-line", "after": number},
    "call": lambda number: {"calls": number},
    "room": lambda number: {"room": number},
    "times": lambda number: {"times": number},
}
AFTER = re.compile(
    r"(hold|stall|cut|drop|reset|bad-json|bad-utf8|error-in-stream|comments|empty|failed)-after"
)


def fields(part: str) -> dict[str, Any]:
    """Return the fields that one part sets. Raise BadScriptError for an unknown part."""
    if part in PLAIN:
        return PLAIN[part]
    if field := FIELD.fullmatch(part):
        return {field[1]: field[2].replace("-", "_")}
    if (tool := part.removeprefix("tool-")) != part:
        return {"tool": tool.replace("-", "_")}
    if (name := part.removeprefix("dialect-")) in DIALECTS and name != part:
        return {"dialect": name}
    word, _, digits = part.rpartition("-")
    if digits.isascii() and digits.isdigit():
        if fault := AFTER.fullmatch(word):
            return {"fault": fault[1], "after": int(digits)}
        if word in NUMBERED:
            return NUMBERED[word](int(digits))
    raise BadScriptError(f"the scripted upstream has no part {part!r}")


def parse(script: str) -> Script:
    """Read a script without its brackets. Raise BadScriptError."""
    match = SCRIPT.fullmatch(script)
    if match is None:
        raise BadScriptError(f"the scripted upstream cannot read {script!r}")
    parsed = Script(rate=float(match["rate"] or 0))
    for part in match["parts"].split("+"):
        parsed = replace(parsed, **fields(part))
    return parsed


def read(prompt: str) -> tuple[Script, str]:
    """Return the script and the label of a prompt. Raise BadScriptError."""
    match = PROMPT.fullmatch(prompt)
    if match is None:
        return Script(), prompt
    return parse(match["script"]), match["label"]


def text_of(prompt: str) -> str:
    """Return the whole text of a prompt, or of a script without brackets, as if it had no fault."""
    script, label = read(prompt if prompt.startswith("[") else f"[{prompt}]")
    return "".join(script.pieces(label))
