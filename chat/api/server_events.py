"""A response's events as server-sent events. Pure.

Format: https://html.spec.whatwg.org/multipage/server-sent-events.html, as OpenAI's HTTP API has it; without
`id`, after which a comment would be an event to openai-python.
"""

from chat.protocol.plain import NOTHING, PlainStream

KEEP_ALIVE = ": keep-alive\n\n"  # a comment
DONE = "data: [DONE]\n\n"
SIGNS_OF_LIFE = ('{"type":"tailrace:heartbeat"', '{"type":"tailrace:queue"')
_TYPE_AT = len('{"type":"')


class ServerEvents:
    """The body of one stream. After `ended` nothing follows."""

    def __init__(self, starting_after: int = NOTHING) -> None:
        self._plain = PlainStream(starting_after)

    @property
    def ended(self) -> bool:
        """Whether the body is complete."""
        return self._plain.ended

    def translate(self, text: str) -> str:
        """The part of the body for an encoded event or frame; it may be empty."""
        if self.ended:
            return ""
        if text.startswith(SIGNS_OF_LIFE):
            return KEEP_ALIVE
        found = "".join(map(server_event, self._plain.translate(text)))
        return found + DONE if self.ended else found


def server_event(text: str) -> str:
    """One encoded event of OpenAI's."""
    kind = text[_TYPE_AT : text.index('"', _TYPE_AT)]
    return f"event: {kind}\ndata: {text}\n\n"
