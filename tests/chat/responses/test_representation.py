"""The response object of a row, against the official SDK's own model of it."""

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from openai.types.responses import Response as Official

from chat.ids import wire_id
from chat.models import Response, Status
from chat.responses.representation import response_object
from tests.chat.rows import stored


@pytest.mark.parametrize("status", Status)
def test_the_wire_object_is_valid_for_the_official_sdk(owner: User, status: Status) -> None:
    previous = stored(owner, output="1", status=Status.COMPLETED)
    row = stored(
        owner,
        conversation=previous.conversation,
        previous=previous,
        status=status,
        output="Two metres.",
        reasoning="Deep…",
        instructions="Be brief.",
        max_output_tokens=5,
        temperature=0.5,
        metadata={"k": "v"},
        error_code="rate_limit_exceeded" if status == Status.FAILED else "",
        incomplete_reason="max_output_tokens" if status == Status.INCOMPLETE else "",
        usage={
            "input_tokens": 1,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": 2,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 3,
        },
    )
    official = Official.model_validate(response_object(row))
    assert (official.id, official.status, official.output_text) == (row.wire_id, status, "Two metres.")
    assert official.previous_response_id == previous.wire_id
    assert official.conversation is not None
    assert official.conversation.id == wire_id("conv", row.conversation_id)
    assert (official.error is not None) == (status == Status.FAILED)


def test_a_fresh_row_is_valid_for_the_official_sdk_too(response: Response) -> None:
    official = Official.model_validate(response_object(response))
    assert (official.status, official.output, official.usage) == ("queued", [], None)


def test_a_completed_row_says_when_it_was_completed(response: Response) -> None:
    assert response_object(response)["completed_at"] is None
    response.status, response.ended_at = Status.COMPLETED, timezone.now()
    assert response.ended_at is not None
    assert response_object(response)["completed_at"] == int(response.ended_at.timestamp())


def test_turns_that_were_left_out_are_counted(response: Response) -> None:
    assert "tailrace" not in response_object(response)
    response.omitted_turns = 3
    assert response_object(response)["tailrace"] == {"omitted_turns": 3}
    Official.model_validate(response_object(response))


def test_the_service_tier_is_the_one_that_served_and_a_user_is_shown_if_given(response: Response) -> None:
    assert "user" not in response_object(response)
    response.request = {"service_tier": "flex", "user": "u"}
    assert response_object(response)["service_tier"] == "default"
    assert response_object(response)["user"] == "u"


def test_tools_and_formats_have_the_fields_that_clients_expect(response: Response) -> None:
    asked = {"type": "json_schema", "name": "n", "schema": {}, "strict": True}
    response.request = {"tools": [{"type": "function", "name": "f"}], "text": {"format": asked}}
    shown = response_object(response)
    assert shown["tools"] == [
        {"type": "function", "name": "f", "description": None, "parameters": None, "strict": None}
    ]
    assert shown["text"] == {"format": asked | {"description": None}}
