"""A response's prompt: the path from the tree's root to its own input."""

from uuid import UUID

from chat.models import Response
from chat.protocol.events import JSON


def prompt(response: Response) -> list[JSON]:
    """The model's messages, `[{"role", "content"}]`. Blocks: one query after the first turn."""
    messages: list[JSON] = []
    if response.instructions:
        messages.append({"role": "system", "content": response.instructions})
    for turn in reversed(_earlier(response)):
        if turn.output:  # skip a turn without output, and its input
            messages += [*turn.input, {"role": "assistant", "content": turn.output}]
    return [*messages, *response.input]


def _earlier(response: Response) -> list[Response]:
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
