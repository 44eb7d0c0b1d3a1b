"""The prompt of a response: the conversation from the root of its tree down to its own input."""

from uuid import UUID

from chat.models import Response
from chat.protocol.events import JSON


def prompt(response: Response) -> list[JSON]:
    """The chat messages for the model, `[{"role", "content"}]`. Blocks: one query, if it has a previous."""
    messages: list[JSON] = []
    if response.instructions:
        messages.append({"role": "system", "content": response.instructions})
    for turn in reversed(_earlier(response)):
        if turn.output:  # a turn without output is left out, its input too
            messages += [*turn.input, {"role": "assistant", "content": turn.output}]
    return [*messages, *response.input]


def _earlier(response: Response) -> list[Response]:
    """The turns before this one, up to the root."""
    if response.previous_id is None:  # most conversations have one turn
        return []
    turns = Response.objects.filter(conversation_id=response.conversation_id)
    known = {turn.id: turn for turn in turns.only("input", "output", "previous_id")}
    path: list[Response] = []
    at: UUID | None = response.previous_id
    while at is not None:
        path.append(known[at])
        at = known[at].previous_id
    return path
