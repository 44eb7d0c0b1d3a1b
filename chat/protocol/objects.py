"""OpenAI's response objects, with the fields that Tailrace fills.

Format: https://platform.openai.com/docs/api-reference/responses/object
"""

from typing import Any, Literal, NotRequired, TypedDict


class ContentPart(TypedDict):
    """A part of an item."""

    type: Literal["output_text", "reasoning_text"]
    text: str
    annotations: NotRequired[list[Any]]
    logprobs: NotRequired[list[Any]]


class OutputItem(TypedDict):
    """A reasoning or message item."""

    id: str
    type: Literal["reasoning", "message"]
    status: str
    content: list[ContentPart]
    role: NotRequired[Literal["assistant"]]
    summary: NotRequired[list[Any]]


class ErrorObject(TypedDict):
    """A key of FAILURES and its sentence."""

    code: str
    message: str


class IncompleteDetails(TypedDict):
    """Why a response was cut off."""

    reason: str


class ConversationReference(TypedDict):
    """A response's conversation."""

    id: str


class Extension(TypedDict):
    """`omitted_turns`: the number of oldest turns that did not fit into the model's context."""

    omitted_turns: int


class ResponseObject(TypedDict):
    """A response. Times: Unix seconds."""

    id: str
    object: Literal["response"]
    status: str
    output: list[OutputItem]
    error: ErrorObject | None
    usage: dict[str, Any] | None
    created_at: NotRequired[float]
    completed_at: NotRequired[float | None]
    background: NotRequired[bool]
    conversation: ConversationReference
    incomplete_details: NotRequired[IncompleteDetails | None]
    instructions: NotRequired[str | None]
    max_output_tokens: NotRequired[int | None]
    metadata: NotRequired[dict[str, str]]
    model: NotRequired[str]
    parallel_tool_calls: NotRequired[bool]
    previous_response_id: str | None
    temperature: NotRequired[float | None]
    tool_choice: NotRequired[str]
    tools: NotRequired[list[Any]]
    truncation: NotRequired[Literal["auto", "disabled"]]
    tailrace: NotRequired[Extension]
