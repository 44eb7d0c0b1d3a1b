"""Judge the replies that an SDK got: each, and each event, must be valid for OpenAI's OpenAPI document."""

import json
import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from openai import AsyncOpenAI, OpenAI

from tests.sdk.recording import DONE, EVENTS_TYPE, JSON, Reply, recorded_async_http, recorded_http
from tests.sdk.schemas import REFERENCE, Document, openai, openai_document

JSON_TYPE = "application/json"
STRICT: JSON = {"max_retries": 0, "_strict_response_validation": True}


@dataclass
class Judge:
    """The replies that clients got."""

    replies: list[Reply] = field(default_factory=list)

    @property
    def last(self) -> Reply:
        """The latest reply."""
        return self.replies[-1]

    def require(self) -> None:
        """Assert that each reply is as OpenAI's document has it."""
        found = [fault for reply in self.replies for fault in faults_of(reply)]
        assert not found, "\n".join(found)


def faults_of(reply: Reply) -> list[str]:
    """The faults of a reply, as sentences; an error has OpenAI's body, and each reply a request id."""
    name = f"{reply.method} {reply.path} {reply.status}"
    if not reply.request_id.startswith("req_"):
        return [f"{name} has no x-request-id"]
    if reply.is_stream:
        return [f"{name}: {fault}" for fault in _stream_faults(reply)]
    if not reply.whole or reply.content_type != JSON_TYPE:  # dropped by the reader; a file
        return []
    body = json.loads(reply.body)
    return [f"{name}: {fault}" for fault in _body_faults(reply, body)]


def _body_faults(reply: Reply, body: Any) -> list[str]:
    document = openai()
    if reply.status >= 400:
        return document.faults_of("ErrorResponse", body)
    kind = schema_of(reply.method, reply.path, JSON_TYPE)
    if kind is None:
        return []
    return document.object_faults(body) if kind == document.object else document.faults_of(kind, body)


def _stream_faults(reply: Reply) -> list[str]:
    kind = schema_of(reply.method, reply.path, EVENTS_TYPE)
    found = [fault for event in reply.events for fault in _event_faults(openai(), kind, event)]
    if reply.whole and (not reply.data or reply.data[-1] != DONE):
        found.append("the end mark is missing")
    return found


def _event_faults(document: Document, kind: str | None, event: JSON) -> list[str]:
    if "type" in event:
        return document.faults(event)
    if "error" in event:
        return document.faults_of("ErrorResponse", event)
    assert kind is not None
    return document.faults_of(kind, event)


def schema_of(method: str, path: str, content_type: str) -> str | None:
    """The schema of an operation's success; None: the document has no schema for it."""
    for template, operations in _operations():
        if template.fullmatch(path) and method.lower() in operations:
            content = operations[method.lower()]["responses"]["200"].get("content", {})
            reference = content.get(content_type, {}).get("schema", {}).get("$ref", "")
            return reference.removeprefix(REFERENCE) or None
    return None


@cache
def _operations() -> list[tuple[re.Pattern[str], JSON]]:
    """The operations of each path; a path without a variable before one that it would match, too."""
    paths = sorted(openai_document()["paths"].items(), key=lambda item: item[0].count("{"))
    return [(re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path)), operations) for path, operations in paths]


def judged_client(base_url: str, api_key: str, judge: Judge, **options: Any) -> OpenAI:
    """OpenAI's SDK, which retries nothing, and takes only objects of OpenAI's types."""
    http = recorded_http(judge.replies)
    return OpenAI(base_url=base_url, api_key=api_key, http_client=http, **(STRICT | options))


def judged_async_client(base_url: str, api_key: str, judge: Judge, **options: Any) -> AsyncOpenAI:
    """The asynchronous one."""
    http = recorded_async_http(judge.replies)
    return AsyncOpenAI(base_url=base_url, api_key=api_key, http_client=http, **(STRICT | options))
