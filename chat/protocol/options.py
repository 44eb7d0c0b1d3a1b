"""The fields of `response.create` that a row keeps in its column `request`: tools, formats, sampling."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from chat.protocol.events import JSON
from chat.protocol.fields import (
    LIST,
    OBJECT,
    TEXT,
    JsonObject,
    Strict,
    Text,
    Tolerant,
    kind_of,
    only,
    refused,
    shape,
)
from chat.protocol.inputs import Name

MAX_TOOLS = 128
MAX_STOPS = 4
MAX_INCLUDES = 50
MAX_SAFETY_CHARS = 64
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
LOGPROBS = "message.output_text.logprobs"  # the one extra that would need more of a model's server


def _no_logprobs(name: str) -> str:
    if name == LOGPROBS:
        raise refused("unsupported_parameter")
    return name


def _none(number: int) -> int:
    if number:
        raise refused("unsupported_parameter")
    return number


class Function(Tolerant):
    """A tool: a function of the client."""

    type: Literal["function"]
    name: Name
    description: Text | None = None
    parameters: JsonObject | None = None
    strict: bool | None = None


class FunctionChoice(Tolerant):
    """The function to call."""

    type: Literal["function"]
    name: Name


class AllowedTools(Tolerant):
    """The functions among which the model may choose."""

    type: Literal["allowed_tools"]
    mode: Literal["auto", "required"]
    tools: Annotated[
        list[Annotated[FunctionChoice, only("function")]],
        Field(min_length=1, max_length=MAX_TOOLS, fail_fast=True),
    ]


Choice = Annotated[
    Annotated[FunctionChoice, Tag("<function>")] | Annotated[AllowedTools, Tag("<allowed_tools>")],
    Discriminator(kind_of()),
]
ToolChoice = Annotated[
    Annotated[Literal["none", "auto", "required"], Tag(TEXT)] | Annotated[Choice, Tag(OBJECT)],
    Discriminator(shape),
]


class PlainFormat(Tolerant):
    """A text, or any JSON object."""

    type: Literal["text", "json_object"]


class SchemaFormat(Tolerant):
    """JSON of a schema."""

    type: Literal["json_schema"]
    name: Name
    schema_: Annotated[JsonObject, Field(alias="schema")]
    description: Text | None = None
    strict: bool | None = None


class TextOptions(Strict):
    """`text`."""

    format: (
        Annotated[
            Annotated[PlainFormat, Tag("<text>")]
            | Annotated[PlainFormat, Tag("<json_object>")]
            | Annotated[SchemaFormat, Tag("<json_schema>")],
            Discriminator(kind_of()),
        ]
        | None
    ) = None
    verbosity: Literal["low", "medium", "high"] | None = None


class ReasoningOptions(Strict):
    """`reasoning`."""

    effort: Effort | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None


Stop = Annotated[Text, Field(min_length=1, max_length=1_000)]
Penalty = Annotated[float, Field(ge=-2, le=2, allow_inf_nan=False)]
Label = Annotated[Text, Field(max_length=512)]


class Options(Strict):
    """All optional; null is as good as absent."""

    tools: (
        Annotated[list[Annotated[Function, only("function")]], Field(max_length=MAX_TOOLS, fail_fast=True)]
        | None
    ) = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    max_tool_calls: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    text: TextOptions | None = None
    reasoning: ReasoningOptions | None = None
    top_p: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    stop: (
        Annotated[
            Annotated[Stop, Tag(TEXT)]
            | Annotated[list[Stop], Field(max_length=MAX_STOPS, fail_fast=True), Tag(LIST)],
            Discriminator(shape),
        ]
        | None
    ) = None
    logit_bias: JsonObject | None = None
    top_logprobs: Annotated[int, AfterValidator(_none)] | None = None
    truncation: Literal["auto", "disabled"] | None = None
    service_tier: Label | None = None
    safety_identifier: Annotated[Text, Field(max_length=MAX_SAFETY_CHARS)] | None = None
    prompt_cache_key: Label | None = None
    prompt_cache_options: JsonObject | None = None
    prompt_cache_retention: Label | None = None
    user: Label | None = None
    client_metadata: JsonObject | None = None  # of Codex
    include: (
        Annotated[
            list[Annotated[Label, AfterValidator(_no_logprobs)]],
            Field(max_length=MAX_INCLUDES, fail_fast=True),
        ]
        | None
    ) = None

    @model_validator(mode="after")
    def _names_given_tools(self) -> "Options":
        """A choice that no tool fulfils would be an error of the model's server, later."""
        choice, given = self.tool_choice, {tool.name for tool in self.tools or ()}
        chosen: set[str] = set()
        if isinstance(choice, FunctionChoice):
            chosen = {choice.name}
        elif isinstance(choice, AllowedTools):
            chosen = {tool.name for tool in choice.tools}
        if not chosen <= given or (choice == "required" and not given):
            raise refused("invalid_field", "tool_choice")
        return self

    def requested(self) -> JSON:
        """The sent ones of these fields, and of the model's own, as JSON."""
        names = set(Options.model_fields)
        found: dict[str, Any] = self.model_dump(include=names, exclude_none=True, by_alias=True)
        return found | {name: value for name, value in (self.model_extra or {}).items() if value is not None}
