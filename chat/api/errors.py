"""OpenAI's error replies: of refused requests, and of responses that failed. Pure.

Format: https://platform.openai.com/docs/guides/error-codes. Its SDKs retry 408, 409, 429 and 5xx, unless
`x-should-retry` is false, after the time in `Retry-After`.
"""

import math
from dataclasses import dataclass, field

from chat.protocol.errors import FAILURES, REFUSALS, CommandError
from chat.protocol.events import JSON

RETRY_SECS = 1  # after `busy`
# where clients compare a code, it is OpenAI's
CODES = {
    "missing_field": "missing_required_parameter",
    "unknown_field": "unknown_parameter",
    "invalid_field": "invalid_value",
    "frame_too_large": "request_too_large",
    "too_many_followed": "rate_limit_exceeded",
    "too_many_requests": "rate_limit_exceeded",
    "too_many_waiting": "rate_limit_exceeded",
}
# the status of a failure, and whether to ask again; None: the SDK's own decision. A worker has asked the
# model's server three times already
FAILED: dict[str, tuple[int, bool | None]] = {
    "upstream_unreachable": (503, True),
    "upstream_unauthorized": (502, False),
    "upstream_not_found": (502, False),
    "upstream_wrong_address": (502, False),
    "upstream_rejected": (400, None),
    "upstream_no_credit": (502, False),
    "context_length_exceeded": (400, None),
    "rate_limit_exceeded": (429, None),
    "upstream_error": (502, True),
    "upstream_malformed": (502, False),
    "empty_answer": (502, False),
    "upstream_cut": (502, False),
    "timeout_connect": (504, True),
    "timeout_first_token": (504, False),
    "timeout_between_tokens": (504, False),
    "timeout_total": (504, False),
    "model_removed": (404, None),
    "program_unusable": (500, False),
    "files_unavailable": (500, False),
    "queue_unavailable": (503, True),
    "worker_lost": (500, False),
    "worker_error": (500, False),
}
UNKNOWN_FAILURE = (500, False)  # of a worker of another version


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """A status, OpenAI's body, and headers."""

    status: int
    body: JSON
    headers: dict[str, str] = field(default_factory=dict)


def refusal(error: CommandError) -> ErrorReply:
    """The reply to a refused request: nothing was stored."""
    status, sentence = REFUSALS[error.code]
    secs = error.retry_after
    if secs is None and error.code == "busy":
        secs = RETRY_SECS
    headers = {} if secs is None else {"retry-after": str(math.ceil(secs))}
    code = CODES.get(error.code, error.code)
    return ErrorReply(status, body(status, code, sentence, error.param), headers)


def failure(code: str, *, has_key: bool = False) -> ErrorReply:
    """The reply where only a status can say that a response failed. `code`: a key of FAILURES.

    `has_key`: an idempotency key, with which the same request would get the same response again.
    """
    status, retry = FAILED.get(code, UNKNOWN_FAILURE)
    retry = False if has_key else retry
    headers = {} if retry is None else {"x-should-retry": str(retry).lower()}
    return ErrorReply(status, body(status, code, FAILURES.get(code, "")), headers)


def body(status: int, code: str, sentence: str, param: str | None = None) -> JSON:
    """OpenAI's error object."""
    kind = "server_error" if status >= 500 else "requests" if status == 429 else "invalid_request_error"
    return {"error": {"message": sentence, "type": kind, "param": param, "code": code}}
