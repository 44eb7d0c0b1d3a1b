"""A response's prompt: its conversation from the tree's root to its own input."""

from uuid import UUID

from chat.models import Response
from chat.protocol.events import JSON


def prompt(response: Response) -> list[JSON]:
    """The model's messages, `[{"role", "content"}]`. Blocks: one query, if it has a previous turn."""
    messages: list[JSON] = []
    if response.instructions:
        messages.append({"role": "system", "content": response.instructions})
    for turn in reversed(_earlier(response)):
        if turn.output:  # a turn without output is skipped with its input
            messages += [*turn.input, {"role": "assistant", "content": turn.output}]
    return [*messages, *response.input]


def _earlier(response: Response) -> list[Response]:
    """The previous turns, up to the root."""
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
