"""The response object of a row."""

from chat.ids import CONVERSATION, RESPONSE, wire_id
from chat.models import Response, Status
from chat.protocol.events import JSON
from chat.protocol.objects import ResponseObject
from chat.protocol.state import with_omitted_turns

# absent fields that both published schemas want
TOOL_DEFAULTS = {"description": None, "parameters": None, "strict": None}
FORMAT_DEFAULTS = {"json_schema": {"description": None, "strict": False}}


def response_object(row: Response) -> ResponseObject:
    """OpenAI's response object, with the stored output, and defaults for absent parameters."""
    asked = row.request
    completed_at = row.ended_at if row.status == Status.COMPLETED else None
    response: ResponseObject = {
        "id": row.wire_id,
        "object": "response",
        "created_at": int(row.queued_at.timestamp()),
        "status": row.status,
        "background": row.background,
        "store": row.stored,
        "completed_at": int(completed_at.timestamp()) if completed_at else None,
        "conversation": {"id": wire_id(CONVERSATION, row.conversation_id)} if row.listed else None,
        "error": row.error(),
        "incomplete_details": row.incomplete_details(),
        "instructions": row.instructions or None,
        "max_output_tokens": row.max_output_tokens,
        "max_tool_calls": asked.get("max_tool_calls"),
        "metadata": row.metadata,
        "model": row.model,
        "output": row.items,
        "parallel_tool_calls": asked.get("parallel_tool_calls", True),
        "previous_response_id": wire_id(RESPONSE, row.previous_id) if row.previous_id else None,
        "temperature": 1.0 if row.temperature is None else row.temperature,
        "top_p": asked.get("top_p", 1.0),
        "presence_penalty": asked.get("presence_penalty", 0.0),
        "frequency_penalty": asked.get("frequency_penalty", 0.0),
        "top_logprobs": asked.get("top_logprobs", 0),
        "text": _text(asked.get("text", {})),
        "reasoning": {"effort": None, "summary": None, **asked.get("reasoning", {})},
        "tool_choice": asked.get("tool_choice", "auto"),
        "tools": [TOOL_DEFAULTS | tool for tool in asked.get("tools", [])],
        "truncation": asked.get("truncation", "auto"),
        "service_tier": "default",  # the one that served it
        "safety_identifier": asked.get("safety_identifier"),
        "prompt_cache_key": asked.get("prompt_cache_key"),
        "usage": row.usage,
    }
    if "user" in asked:
        response["user"] = asked["user"]
    return with_omitted_turns(response, row.omitted_turns)


def _text(asked: JSON) -> JSON:
    found: JSON = {"format": {"type": "text"}, **asked}
    return found | {"format": FORMAT_DEFAULTS.get(found["format"]["type"], {}) | found["format"]}
