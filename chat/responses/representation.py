"""The response object of a row."""

from chat.models import Response, Status
from chat.protocol.objects import ResponseObject
from chat.protocol.output import output_items


def response_object(row: Response) -> ResponseObject:
    """OpenAI's response object, with the stored output."""
    completed_at = row.ended_at if row.status == Status.COMPLETED else None
    response: ResponseObject = {
        "id": str(row.id),
        "object": "response",
        "created_at": row.queued_at.timestamp(),
        "status": row.status,
        "background": True,
        "completed_at": completed_at.timestamp() if completed_at else None,
        "conversation": {"id": str(row.conversation_id)},
        "error": row.error(),
        "incomplete_details": row.incomplete_details(),
        "instructions": row.instructions or None,
        "max_output_tokens": row.max_output_tokens,
        "metadata": row.metadata,
        "model": row.model,
        "output": output_items(str(row.id), row.status, text=row.output, reasoning=row.reasoning),
        "parallel_tool_calls": False,
        "previous_response_id": str(row.previous_id) if row.previous_id else None,
        "temperature": row.temperature,
        "tool_choice": "none",
        "tools": [],
        "truncation": "auto",
        "usage": row.usage,
    }
    if row.omitted_turns:
        response["tailrace"] = {"omitted_turns": row.omitted_turns}
    return response
