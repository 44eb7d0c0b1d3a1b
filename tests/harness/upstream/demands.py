"""The demands of a request besides text: a call of one of its functions, or JSON of a schema."""

from typing import Any

EXAMPLES: dict[str, Any] = {"string": "Lake", "integer": 7, "number": 1.5, "boolean": True, "null": None}
Schema = dict[str, Any]


def demanded_call(body: dict[str, Any]) -> tuple[str, Any] | None:
    """The function that `tool_choice` demands, and arguments for it; None: it demands none."""
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        wanted = choice["function"]["name"]
    elif choice == "required":
        wanted = None
    else:
        return None
    functions = [tool["function"] for tool in body["tools"]]
    function = next(each for each in functions if wanted in (None, each["name"]))
    return function["name"], example_of(function.get("parameters") or {})


def demanded_value(body: dict[str, Any]) -> Any:
    """A value as `response_format` demands it; None: it demands no JSON."""
    form = body.get("response_format") or {}
    if form.get("type") == "json_schema":
        return example_of(form["json_schema"]["schema"])
    return {} if form.get("type") == "json_object" else None


def example_of(schema: Schema, root: Schema | None = None) -> Any:
    """A value that is valid for a JSON Schema without bounds, with all its properties."""
    root = schema if root is None else root
    if "$ref" in schema:
        return example_of(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return example_of(schema["anyOf"][0], root)
    kind = schema.get("type", "object")
    if isinstance(kind, list):
        kind = kind[0]
    if kind == "object":
        return {name: example_of(each, root) for name, each in schema.get("properties", {}).items()}
    return [example_of(schema["items"], root)] if kind == "array" else EXAMPLES[kind]
