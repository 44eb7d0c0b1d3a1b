"""OpenAI's response objects, with the fields that Tailrace fills.

Format: https://platform.openai.com/docs/api-reference/responses/object
"""

from typing import Any, Literal, NotRequired, TypedDict


class ContentPart(TypedDict):
    """A part of a reasoning or message item: `text`, or `refusal`."""

    type: Literal["output_text", "reasoning_text", "refusal"]
    text: NotRequired[str]
    refusal: NotRequired[str]
    annotations: NotRequired[list[Any]]
    logprobs: NotRequired[list[Any]]


class OutputItem(TypedDict):
    """A reasoning or message item with its `content`, a function call, or an item of another kind.

    `arguments`: JSON as text, not parsed: a model may write it wrong. An item of another kind has any fields,
    and may have no `status`.
    """

    id: str
    type: str
    status: str
    content: NotRequired[list[ContentPart]]
    role: NotRequired[Literal["assistant"]]
    summary: NotRequired[list[Any]]
    call_id: NotRequired[str]
    name: NotRequired[str]
    arguments: NotRequired[str]


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
    created_at: NotRequired[int]
    completed_at: NotRequired[int | None]
    background: NotRequired[bool]
    store: NotRequired[bool]
    conversation: ConversationReference | None  # None: one that is not listed
    incomplete_details: NotRequired[IncompleteDetails | None]
    instructions: NotRequired[str | None]
    max_output_tokens: NotRequired[int | None]
    max_tool_calls: NotRequired[int | None]
    metadata: NotRequired[dict[str, str]]
    model: NotRequired[str]
    parallel_tool_calls: NotRequired[bool]
    previous_response_id: str | None
    temperature: NotRequired[float]
    top_p: NotRequired[float]
    presence_penalty: NotRequired[float]
    frequency_penalty: NotRequired[float]
    top_logprobs: NotRequired[int]
    text: NotRequired[dict[str, Any]]
    reasoning: NotRequired[dict[str, Any]]
    tool_choice: NotRequired[Any]
    tools: NotRequired[list[Any]]
    truncation: NotRequired[Literal["auto", "disabled"]]
    service_tier: NotRequired[str]
    safety_identifier: NotRequired[str | None]
    prompt_cache_key: NotRequired[str | None]
    user: NotRequired[str]
    tailrace: NotRequired[Extension]
