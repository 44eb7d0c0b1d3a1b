"""A response's prompt: the path from the tree's root to its own input."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate, chain, takewhile
from uuid import UUID

from chat.models import Response
from chat.protocol.events import JSON

BYTES_PER_TOKEN = 3  # English has 4 or more, Chinese 2 to 4: rather a turn less than a refusal
TOKENS_PER_MESSAGE = 8  # its role and marks
ANSWER_SHARE = 4  # at most a quarter of the context is kept for the answer
STANDING = frozenset({"system", "developer"})  # roles that hold for the whole conversation


@dataclass(frozen=True, slots=True)
class Prompt:
    """The model's messages, `[{"role", "content"}]`; `omitted_turns`: oldest ones that did not fit."""

    messages: list[JSON]
    omitted_turns: int = 0


def prompt(response: Response, context: int | None = None, limit: int | None = None) -> Prompt:
    """Compose the prompt; with a `context`, in tokens, leave out the oldest turns that do not fit.

    `limit`: of the answer, in tokens. Instructions, system and developer messages and the newest input
    stay, also if they do not fit; those of omitted turns follow the instructions.
    Blocks: one query after the first turn.
    """
    turns = [_messages(turn) for turn in _earlier(response) if turn.output]  # newest first
    first: list[JSON] = []
    if response.instructions:
        first.append({"role": "system", "content": response.instructions})
    kept = len(turns)
    if context is not None:
        answer = min(limit or context, context // ANSWER_SHARE)
        always = [*first, *_joined(map(_standing, turns)), *response.input]
        sizes = (tokens(turn) - tokens(_standing(turn)) for turn in turns)
        kept = fitting(sizes, context - answer - tokens(always))
    first += _joined(map(_standing, reversed(turns[kept:])))
    earlier = _joined(reversed(turns[:kept]))
    return Prompt([*first, *earlier, *response.input], len(turns) - kept)


def tokens(messages: Iterable[JSON]) -> int:
    """Estimate, rather too high, the tokens of messages."""
    return sum(
        TOKENS_PER_MESSAGE + math.ceil(len(str(message["content"]).encode()) / BYTES_PER_TOKEN)
        for message in messages
    )


def fitting(sizes: Iterable[int], room: int) -> int:
    """The number of first sizes whose sum is at most `room`."""
    return sum(1 for _ in takewhile(lambda total: total <= room, accumulate(sizes)))


def _messages(turn: Response) -> list[JSON]:
    return [*turn.input, {"role": "assistant", "content": turn.output}]


def _standing(messages: list[JSON]) -> list[JSON]:
    return [message for message in messages if message["role"] in STANDING]


def _joined(turns: Iterable[list[JSON]]) -> list[JSON]:
    return list(chain.from_iterable(turns))


def _earlier(response: Response) -> list[Response]:
    """The path to the root, newest first."""
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
