"""Merge the JSON values of a chat completion, in the forms that servers use, into chunks. Pure."""

from typing import Any

from chat.protocol.events import JSON
from workers.providers.answer_values import MALFORMED as _MALFORMED
from workers.providers.answer_values import Characters
from workers.providers.answer_values import reported as _reported
from workers.providers.answer_values import usage_of as _usage
from workers.providers.base import Chunk, FinishReason, ProviderError
from workers.providers.finish_words import finish_reason
from workers.providers.reasoning_tags import TagSplitter
from workers.providers.tool_calls import CallReader

REASONING = ("reasoning_content", "reasoning", "thinking", "reasoning_text", "reasoning_details")
ERRORS = ("errors", "detail", "error_code", "error_msg", "error_message")  # where no choices are
FINE = (0, 200, "0", "200")  # codes of no error


class Reader:
    """Reads the first choice of one completion. `tags`: around reasoning in the text."""

    def __init__(self, tags: tuple[str, str] | None = None) -> None:
        self.finish: FinishReason | None = None
        self._tags = TagSplitter(tags)
        self._text, self._reasoning, self._refusal = Characters(), Characters(), Characters()
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
            if reason == "stop":
                self._calls.require_names()
            if self.finish is None or self._grew:
                self.finish = chunk.finish = reason
            self._grew = False

    def flush(self, chunk: Chunk) -> None:
        """Add the held text: none follows."""
        self._flush_text(chunk)
        chunk.add("refusal", self._refusal.flush())
        chunk.parts += self._calls.flush()

    def _flush_text(self, chunk: Chunk) -> None:
        chunk.add("reasoning", self._reasoning.flush())
        self._split(self._text.flush(), chunk)
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
                self._flush_text(chunk)
                self._tags = TagSplitter(None)  # the server separates it itself
            chunk.add("reasoning", self._reasoning.take(reasoning))
        if content:
            self._streams = self._grew = True
            self._split(self._text.take(content), chunk)
        if len(message) > 1 or not content:
            self._other(message, chunk)

    def _other(self, message: JSON, chunk: Chunk) -> None:
        """Read a refusal, and calls of functions; the text before them is complete."""
        refusal, calls = _flat(message.get("refusal")), message.get("tool_calls") or ()
        if message.get("function_call"):  # the form before `tool_calls`
            calls = [{"index": 0, "function": message["function_call"]}]
        if refusal or calls:
            self._streams = self._grew = True
            self._flush_text(chunk)
            chunk.add("refusal", self._refusal.take(refusal))
            chunk.parts += self._calls.read(calls)

    def _split(self, text: str, chunk: Chunk) -> None:
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
