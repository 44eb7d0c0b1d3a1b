"""Requests of webhooks, as OpenAI's SDK verifies them."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import InvalidWebhookSignatureError, OpenAI

from chat.webhooks import events

CLIENT = OpenAI(api_key="tr_none")


@pytest.mark.parametrize("kind", events.TYPES)
def test_the_sdk_reads_each_event(kind: str) -> None:
    secret, now = events.new_secret(), time.time()
    content = events.body("evt_1", kind, now, "resp_1")
    event = CLIENT.webhooks.unwrap(content, events.headers("evt_1", content, secret, now), secret=secret)
    assert type(event).__name__ == f"Response{kind.partition('.')[2].title()}WebhookEvent"
    assert event.to_dict() == {
        "id": "evt_1",
        "object": "event",
        "created_at": int(now),
        "type": kind,
        "data": {"id": "resp_1"},
    }


def test_the_example_of_the_standard_has_its_signature() -> None:
    content, secret = b'{"test": 2432232314}', "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    found = events.headers("msg_p5jXN8AQM9LWM0D4loKWxJek", content, secret, 1614265330)
    assert found["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(st.binary(min_size=1), st.sampled_from(["id", "body", "secret", "time"]))
def test_the_sdk_refuses_a_changed_request(extra: bytes, part: str) -> None:
    secret, now = events.new_secret(), time.time()
    content = events.body("evt_1", events.TYPES[0], now, "resp_1")
    sent = events.headers("evt_1", content, secret, now)
    if part == "id":
        sent["webhook-id"] += extra.hex()
    if part == "time":
        sent["webhook-timestamp"] = str(int(now) + 1)
    changed = content + extra.hex().encode() if part == "body" else content
    with pytest.raises(InvalidWebhookSignatureError):
        CLIENT.webhooks.verify_signature(
            changed, sent, secret=events.new_secret() if part == "secret" else secret
        )


def test_a_secret_is_random_and_of_the_standards_size() -> None:
    found = {events.new_secret() for _ in range(10)}
    assert len(found) == 10
    assert all(secret.startswith("whsec_") and len(secret) == 50 for secret in found)
