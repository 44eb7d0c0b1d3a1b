"""What goes wrong upstream ends the response with a stable code, and the text so far is kept."""

import time

import pytest

from chat.protocol.errors import FAILURES
from tests.browserless import visiting
from tests.stack import Stack

pytestmark = pytest.mark.e2e

FIVE_WORDS = "w0 w1 w2 w3 w4"


@pytest.mark.parametrize(
    ("model", "code", "text"),
    [
        ("status-401", "upstream_unauthorized", ""),
        ("status-404", "upstream_not_found", ""),
        ("status-429", "rate_limit_exceeded", ""),
        ("status-503", "upstream_error", ""),
        ("html", "upstream_malformed", ""),
        ("cut-after-5", "upstream_cut", FIVE_WORDS),
        ("drop-after-5", "upstream_cut", FIVE_WORDS),
        ("bad-json-after-5", "upstream_malformed", FIVE_WORDS),
        ("error-in-stream-after-5", "upstream_error", FIVE_WORDS),
        ("stall-first:impatient", "timeout_first_token", ""),
        ("stall-after-5:impatient", "timeout_between_tokens", FIVE_WORDS),
    ],
)
async def test_the_response_fails_with_a_code_and_keeps_its_text(
    stack: Stack, model: str, code: str, text: str
) -> None:
    begun = time.monotonic()
    async with visiting(stack.url) as visitor:
        last = (await visitor.answer(model))[-1]
    assert time.monotonic() - begun < 8
    response = last["response"]
    assert (last["type"], response["status"]) == ("response.failed", "failed")
    assert response["error"] == {"code": code, "message": FAILURES[code]}
    said = "".join(part["text"] for item in response["output"] for part in item["content"])
    assert said == text
    row = stack.settled(response["id"])
    assert (row["status"], row["error_code"], row["output"]) == ("failed", code, text)
