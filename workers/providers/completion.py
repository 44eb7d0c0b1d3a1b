"""Merge the JSON values of a chat completion, in the forms that servers use, into chunks. Pure."""

import json
from typing import Any

from chat.protocol.events import JSON
from workers.providers import refusals
from workers.providers.base import Chunk, FinishReason, ProviderError
from workers.providers.finish_words import finish_reason
from workers.providers.reasoning_tags import TagSplitter
from workers.providers.storable import REPLACEMENT, storable
from workers.providers.tool_calls import CallReader

REASONING = ("reasoning_content", "reasoning", "thinking", "reasoning_text", "reasoning_details")
ERRORS = ("errors", "detail", "error_code", "error_msg", "error_message")  # where no choices are
FINE = (0, 200, "0", "200")  # codes of no error
STATUSES = ("401", "402", "429")  # known in an answer; a 404 there is no wrong address
MAX_COUNT = 2**53 - 1  # a browser's largest integer
# raised by values of other types, or nested too deep
_MALFORMED = (AttributeError, TypeError, ValueError, KeyError, IndexError, RecursionError)


class Reader:
    """Reads the first choice of one completion. `tags`: around reasoning in the text."""

    def __init__(self, tags: tuple[str, str] | None = None) -> None:
        self.finish: FinishReason | None = None
        self._tags = TagSplitter(tags)
        self._half = ""  # a high surrogate that ended a delta
        self._index: Any = None  # of the first choice
        self._streams = False  # a delta had text
        self._grew = False  # since the finish reason
        self._messages = 0
        self._calls = CallReader()

    @property
    def known(self) -> bool:
        """Whether any value had the form of a completion."""
        return self._index is not None

    @property
    def whole(self) -> bool:
        """Whether it was one message, without deltas."""
        return self._messages == 1 and not self._streams

    def read(self, value: Any, chunk: Chunk) -> None:
        """Merge one JSON value into a chunk. Raises ProviderError; the chunk keeps the text before."""
        try:
            if isinstance(value, list):
                for body in value:
                    self._merge(body, chunk)
            elif value is not None:
                self._merge(value, chunk)
        except _MALFORMED as error:
            raise ProviderError("upstream_malformed") from error

    def conclude(self, word: str, chunk: Chunk) -> None:
        """Add the finish reason: the first, or one after more text. Raises ProviderError for a failure."""
        if (reason := finish_reason(word)) is not None:
            self.flush(chunk)
            self._calls.require_names()
            if self.finish is None or self._grew:
                self.finish = chunk.finish = reason
            self._grew = False

    def flush(self, chunk: Chunk) -> None:
        """Add the held text: none follows."""
        if self._half:
            self._half = ""
            self._add(REPLACEMENT, chunk)
        text, reasoning = self._tags.flush()
        chunk.add("reasoning", reasoning)
        chunk.add("text", text)

    def _merge(self, body: JSON, chunk: Chunk) -> None:
        if _is_error(body.get("error")) or body.get("object") == "error":  # the second: older vLLM
            raise _reported(body)
        choices = body.get("choices")
        if choices is None:
            self._native(body, chunk)
        else:
            for choice in choices:
                if choice is not None:
                    self._choice(choice, chunk)
        usage = body.get("usage")
        if not usage and body.get("x_groq"):
            usage = body["x_groq"].get("usage")
        if usage:
            chunk.usage = _usage(usage) or chunk.usage

    def _choice(self, choice: JSON, chunk: Chunk) -> None:
        index = choice.get("index") or 0
        if index != self._index:
            if self._index is not None:
                return
            self._index = index
        if delta := choice.get("delta"):
            self._message(delta, chunk)
        elif not self._streams:  # else it repeats the deltas
            self._undivided(choice, chunk)
        if _is_error(choice.get("error")):
            raise _reported(choice)
        if word := choice.get("finish_reason") or choice.get("finishReason"):  # the second: older Gemini
            self.conclude(word, chunk)
        if usage := choice.get("usage"):
            chunk.usage = _usage(usage) or chunk.usage

    def _undivided(self, choice: JSON, chunk: Chunk) -> None:
        message = choice.get("message") or {"content": choice.get("text")}
        self._message(message, chunk)
        self._streams = False
        self._messages += "delta" not in choice

    def _native(self, body: JSON, chunk: Chunk) -> None:
        """Read Ollama's own form, or an error of another form."""
        message, response = body.get("message"), body.get("response")
        if isinstance(message, dict) or isinstance(response, str):
            self._index = 0
            self._message(message or {"content": response}, chunk)
        elif (message and body.get("code") not in FINE) or _reports_error(body):
            raise _reported(body)
        if body.get("done") is True:
            chunk.usage = _usage(body) or chunk.usage
            self.conclude(body.get("done_reason") or "stop", chunk)

    def _message(self, message: JSON, chunk: Chunk) -> None:
        content, reasoning = message.get("content"), ""
        if content and not isinstance(content, str):
            content, reasoning = _parts(content)
        if len(message) > 1 or not content:
            reasoning = reasoning or next((_flat(message[n]) for n in REASONING if message.get(n)), "")
        if reasoning:
            self._streams = self._grew = True
            if not self._tags.outside:
                self.flush(chunk)
                self._tags = TagSplitter(None)  # the server separates it itself
            chunk.add("reasoning", storable(reasoning))
        if content:
            self._streams = self._grew = True
            self._add(content, chunk)
        if len(message) > 1 or not content:
            self._other(message, chunk)

    def _other(self, message: JSON, chunk: Chunk) -> None:
        """Read a refusal, and calls of functions; the text before them is complete."""
        refusal, calls = _flat(message.get("refusal")), message.get("tool_calls") or ()
        if message.get("function_call"):  # the form before `tool_calls`
            calls = [{"index": 0, "function": message["function_call"]}]
        if refusal or calls:
            self._streams = self._grew = True
            self.flush(chunk)
            chunk.add("refusal", storable(refusal))
            for part in self._calls.read(calls):
                chunk.add_call(part)

    def _add(self, text: str, chunk: Chunk) -> None:
        if self._half or not text.isascii():
            text, self._half = _whole_pairs(self._half + text)
        text = storable(text)
        if self._tags.outside:
            chunk.add("text", text)
        else:
            text, reasoning = self._tags.split(text)
            chunk.add("reasoning", reasoning)
            chunk.add("text", text)


def _is_error(error: Any) -> bool:
    """Whether it names a failure: some servers send `{"code": 0}` or "null" with each chunk."""
    if isinstance(error, dict) and error.get("code") in FINE:
        return False
    return bool(error) and error != "null"


def _reported(body: JSON) -> ProviderError:
    """The error that a server reports in an answer that had begun well."""
    text = json.dumps(body)[: refusals.MAX_BODY_BYTES]
    inner = body["error"] if isinstance(body.get("error"), dict) else body
    code = str(inner.get("code") or inner.get("status"))
    refusal = refusals.judge(int(code) if code in STATUSES else 200, text.encode(), {})
    return ProviderError(refusal.code, refusal.permanent, refusal.retry_after)


def _reports_error(body: JSON) -> bool:
    minimax = (body.get("base_resp") or {}).get("status_code")
    return bool(minimax) or body.get("success") is False or any(body.get(name) for name in ERRORS)


def _parts(content: Any) -> tuple[str, str]:
    """The (text, reasoning) of a list of parts; others, as images, have none."""
    text, reasoning = [], []
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, str):
            text.append(part)
        elif str(part.get("type")).startswith(("thinking", "reasoning")):
            words = part.get("thinking") or part.get("reasoning") or part.get("text") or part.get("summary")
            reasoning.append(_flat(words))
        else:
            text.append(_flat(part.get("text") or part.get("refusal")))
    return "".join(text), "".join(reasoning)


def _flat(content: Any) -> str:
    return content if isinstance(content, str) else "".join(_parts(content)) if content else ""


def _whole_pairs(text: str) -> tuple[str, str]:
    """Split off a high surrogate at the end: its other half may follow."""
    return (text[:-1], text[-1]) if "\ud800" <= text[-1] <= "\udbff" else (text, "")


def _usage(usage: Any) -> JSON | None:
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
