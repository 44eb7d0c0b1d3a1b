"""A webhook's request, as Standard Webhooks defines it, with OpenAI's body. Pure.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md; OpenAI's SDKs
verify it: `client.webhooks.unwrap(body, headers, secret=…)`.
"""

import base64
import hmac
import json
import secrets

PREFIX = "whsec_"
SECRET_BYTES = 32

TYPES = ("response.completed", "response.incomplete", "response.failed", "response.cancelled")


def new_secret() -> str:
    """256 random bits as base64, behind their prefix."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def body(event_id: str, kind: str, created_at: float, response_id: str) -> bytes:
    """OpenAI's event object; `created_at` in Unix seconds. It has an id, and never a text."""
    event = {
        "id": event_id,
        "object": "event",
        "created_at": int(created_at),
        "type": kind,
        "data": {"id": response_id},
    }
    return json.dumps(event, separators=(",", ":")).encode()


def headers(event_id: str, content: bytes, secret: str, at: float) -> dict[str, str]:
    """The headers of an attempt at `at`, in Unix seconds: receivers refuse a time minutes from theirs."""
    timestamp = str(int(at))
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = b".".join((event_id.encode(), timestamp.encode(), content))
    signature = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    return {
        "content-type": "application/json",
        "webhook-id": event_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{signature}",
    }
