"""Tools and formats of chat completions, in the form of the Responses API. Pure.

Format: https://platform.openai.com/docs/api-reference/chat/create#chat-create-tools
`chat.protocol.parameters` is the way back.
"""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from chat.protocol.events import JSON
from chat.protocol.fields import OBJECT, TEXT, JsonObject, Text, Tolerant, kind_of, only, shape
from chat.protocol.inputs import Name
from chat.protocol.options import MAX_TOOLS, PlainFormat


class Definition(Tolerant):
    """A function of the client."""

    name: Name
    description: Text | None = None
    parameters: JsonObject | None = None
    strict: bool | None = None


class Tool(Tolerant):
    """A tool: a function."""

    type: Literal["function"]
    function: Definition

    def flat(self) -> JSON:
        """The function beside its type."""
        return {"type": "function"} | self.function.model_dump(exclude_none=True)


class NamedFunction(Tolerant):
    """The name of a function."""

    name: Name


class FunctionChoice(Tolerant):
    """The function to call."""

    type: Literal["function"]
    function: NamedFunction

    def flat(self) -> JSON:
        """The name beside its type."""
        return {"type": "function", "name": self.function.name}


class Allowed(Tolerant):
    """Functions, and whether one of them must be called."""

    mode: Literal["auto", "required"]
    tools: Annotated[
        list[Annotated[FunctionChoice, only("function")]],
        Field(min_length=1, max_length=MAX_TOOLS, fail_fast=True),
    ]


class AllowedTools(Tolerant):
    """The functions among which the model may choose."""

    type: Literal["allowed_tools"]
    allowed_tools: Allowed

    def flat(self) -> JSON:
        """Mode and functions beside the type."""
        tools = [tool.flat() for tool in self.allowed_tools.tools]
        return {"type": "allowed_tools", "mode": self.allowed_tools.mode, "tools": tools}


class Schema(Tolerant):
    """A schema and its name."""

    name: Name
    schema_: Annotated[JsonObject, Field(alias="schema")]
    description: Text | None = None
    strict: bool | None = None


class SchemaFormat(Tolerant):
    """JSON of a schema."""

    type: Literal["json_schema"]
    json_schema: Schema

    def flat(self) -> JSON:
        """The schema beside its type."""
        return {"type": "json_schema"} | self.json_schema.model_dump(exclude_none=True, by_alias=True)


Tools = Annotated[list[Annotated[Tool, only("function")]], Field(max_length=MAX_TOOLS, fail_fast=True)]
ObjectChoice = Annotated[
    Annotated[FunctionChoice, Tag("<function>")] | Annotated[AllowedTools, Tag("<allowed_tools>")],
    Discriminator(kind_of()),
]
Choice = Annotated[
    Annotated[Literal["none", "auto", "required"], Tag(TEXT)] | Annotated[ObjectChoice, Tag(OBJECT)],
    Discriminator(shape),
]
Format = Annotated[
    Annotated[PlainFormat, Tag("<text>")]
    | Annotated[PlainFormat, Tag("<json_object>")]
    | Annotated[SchemaFormat, Tag("<json_schema>")],
    Discriminator(kind_of()),
]


def flat_choice(choice: str | FunctionChoice | AllowedTools) -> str | JSON:
    """The choice of a tool."""
    return choice if isinstance(choice, str) else choice.flat()


def flat_format(wanted: PlainFormat | SchemaFormat) -> JSON:
    """The format of the text."""
    return wanted.flat() if isinstance(wanted, SchemaFormat) else {"type": wanted.type}
