"""The bodies of `/v1/conversations`, and their items as turns. Pure.

Format: https://platform.openai.com/docs/api-reference/conversations
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from chat.protocol.commands import MAX_INPUT_CHARS, Metadata, validated
from chat.protocol.errors import CommandError
from chat.protocol.events import JSON
from chat.protocol.fields import Strict
from chat.protocol.input_items import texts
from chat.protocol.inputs import Items, normalized

MAX_ITEMS = 20  # of one request
OF_ANSWERS = ("function_call", "reasoning")  # types of items

NewItems = Annotated[Items, Field(max_length=MAX_ITEMS)]


class _WithItems(Strict):
    items: NewItems | None = None

    def normalized(self) -> list[JSON]:
        """The items, still without ids. Raises CommandError."""
        items = normalized(self.items or [])
        if sum(map(len, texts(items))) > MAX_INPUT_CHARS:
            raise CommandError("input_too_long", "items")
        return items


class NewConversation(_WithItems):
    """`POST /v1/conversations`."""

    metadata: Metadata | None = None


class ConversationChange(Strict):
    """`POST /v1/conversations/<id>`."""

    metadata: Metadata | None


class AddedItems(_WithItems):
    """`POST /v1/conversations/<id>/items`."""

    items: NewItems


def new_conversation(body: JSON) -> NewConversation:
    """Parse a body. Raises CommandError."""
    return validated(NewConversation, body)


def conversation_change(body: JSON) -> ConversationChange:
    """Parse a body. Raises CommandError."""
    return validated(ConversationChange, body)


def added_items(body: JSON) -> AddedItems:
    """Parse a body. Raises CommandError."""
    return validated(AddedItems, body)


@dataclass(slots=True)
class AddedTurn:
    """Items that become one turn; `first`: the place of the first one among all that are added."""

    first: int
    asked: list[JSON] = field(default_factory=list)
    answer: list[JSON] = field(default_factory=list)


def as_turns(items: Iterable[JSON]) -> list[AddedTurn]:
    """The items as turns, in their order: an answer, and what was asked before it."""
    turns: list[AddedTurn] = []
    for place, item in enumerate(items):
        of_answer = item["type"] in OF_ANSWERS or item.get("role") == "assistant"
        if not turns or (turns[-1].answer and not of_answer):
            turns.append(AddedTurn(place))
        (turns[-1].answer if of_answer else turns[-1].asked).append(item)
    return turns
