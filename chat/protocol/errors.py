"""Error codes with fixed sentences: all that a client learns of an error.

    ProtocolError
    └── CommandError    a refused command

A refused command stores nothing, except that after `busy` a `response.create` may be accepted: the client
sends it again with the same `client_request_id`.

REFUSALS are sent in `error` events, also before a close. FAILURES end a response: `response.error.code`.
"""

import json
from dataclasses import dataclass

MOVING = 1012  # close code: this web process stops. Reconnect after a random part of 5 s
SIGNED_OUT = 4401  # close code: no user; after HTTP 401
NOT_SHARED = (
    4404  # close code: the link is unknown, revoked, or its conversation is deleted. Do not reconnect
)
SLOW_READER = 4408  # close code: unread too long; after HTTP 408. Reconnect with the cursor
TOO_MANY = 4429  # close code: too many sockets or commands; after HTTP 429. Do not reconnect at once

REFUSALS: dict[str, tuple[int, str]] = {
    "invalid_json": (400, "The frame is not a JSON object."),
    "binary_frame": (400, "The frame is binary: send JSON as text."),
    "frame_too_large": (413, "The frame is too large."),
    "unknown_type": (400, "This command type is unknown."),
    "missing_field": (400, "A required field is missing."),
    "unknown_field": (400, "This field is unknown."),
    "invalid_field": (400, "This field has an invalid value."),
    "invalid_stream_id": (400, "A stream_id has 1 to 256 letters, digits, hyphens, underscores or dots."),
    "unsupported_parameter": (400, "This field, or this value of it, is not supported."),
    "empty_input": (400, "The input is empty."),
    "input_too_long": (400, "The input is too long."),
    "input_exceeds_context": (400, "The input is longer than this model can read."),
    "settings_too_long": (400, "The instructions, tools and other settings are too long."),
    "empty_file": (400, "The file is empty: choose another one."),
    "previous_response_not_found": (400, "There is no stored response with this id to continue."),
    "unauthenticated": (401, "Sign in first: this session is unknown or has ended."),
    "account_required": (403, "API keys are for accounts: sign in first."),
    "invalid_api_key": (401, "Send a valid API key: this one is missing, unknown, revoked or expired."),
    "unknown_url": (404, "There is nothing at this address."),
    "model_not_found": (404, "There is no model with this name."),
    "response_not_found": (404, "There is no response with this id."),
    "item_not_found": (404, "There is no item with this id."),
    "conversation_not_found": (404, "There is no conversation with this id."),
    "share_not_found": (404, "This conversation is no longer shared."),
    "key_not_found": (404, "There is no API key with this id."),
    "file_not_found": (404, "There is no file with this id: upload it again."),
    "method_not_allowed": (405, "This address does not know this method."),
    "slow_reader": (408, "This socket was not read in time: reconnect and resume after the last event."),
    "too_many_pinned": (409, "You have pinned as many conversations as you may: unpin one first."),
    "too_many_keys": (409, "You have as many API keys as you may: revoke one first."),
    "response_cancelled": (409, "The answer was stopped."),
    "conversation_locked": (409, "A response runs in this conversation: wait for its end."),
    "previous_response_running": (409, "The response to continue still runs: wait for its end."),
    "file_in_use": (409, "A question has this file: delete its conversation."),
    "file_too_large": (
        413,
        "The file is too large: send a scaled picture, or some of the pages.",
    ),
    "too_large_together": (413, "The files of this question are too large together: send fewer."),
    "unsupported_file": (
        415,
        "The file is no PNG, JPEG, GIF, WebP, PDF or text in UTF-8, or not of its type: convert it.",
    ),
    "idempotency_key_reused": (422, "Another request had this idempotency key: choose a new one."),
    "too_many_requests": (429, "Too many requests in a minute: wait a moment."),
    "too_many_followed": (429, "Too many responses are followed: unsubscribe from some."),
    "too_many_sockets": (429, "Too many connections are open: close other tabs or devices."),
    "slow_down": (429, "Too many commands in a short time: wait a moment."),
    "too_many_waiting": (429, "Too many of your questions wait: try again when one of them is answered."),
    "too_many_files": (
        429,
        "You have too many files: delete conversations with files; unused files are deleted after a day.",
    ),
    "too_many_file_bytes": (
        429,
        "Your files have no room for this one: delete conversations with files, or send a smaller one.",
    ),
    "internal_error": (500, "The server failed with an internal error."),
    "stopping": (503, "This server process stops: ask again, or retrieve the response by its id."),
    "stream_lost": (500, "Events of this stream are lost: retrieve the response by its id."),
    "busy": (503, "The service is temporarily unavailable: try again in a moment."),
}

FAILURES: dict[str, str] = {
    "upstream_unreachable": "The model's server could not be reached.",
    "upstream_unauthorized": "The model's server rejected our key.",
    "upstream_not_found": "The model's server does not know this model.",
    "upstream_wrong_address": "There is no model's server at the configured address.",
    "upstream_rejected": "The model's server rejected the request.",
    "upstream_no_credit": "This site's account with the model's server has no credit.",
    "context_length_exceeded": "The conversation is longer than this model can read.",
    "rate_limit_exceeded": "The model's server receives too many requests: try again later.",
    "upstream_error": "The model's server reported an error.",
    "upstream_malformed": "The model's server sent an invalid answer.",
    "empty_answer": "The model ended its answer without a word.",
    "upstream_cut": "The model's server ended the answer before it was complete.",
    "timeout_connect": "The model's server did not accept the connection in time.",
    "timeout_first_token": "The model did not start its answer in time.",
    "timeout_between_tokens": "The model stopped in the middle of the answer.",
    "timeout_total": "The answer took too long.",
    "model_removed": "The model of this response is no longer configured.",
    "program_unusable": "The program of this model cannot run.",
    "files_unavailable": "The files of this conversation could not be read.",
    "queue_unavailable": "The response could not be queued.",
    "worker_lost": "The worker that wrote this answer was lost.",
    "worker_error": "The worker failed with an internal error.",
}


class ProtocolError(Exception):
    """A violation of the protocol."""


@dataclass
class CommandError(ProtocolError):
    """`code`: a key of REFUSALS; `param`: the refused field; `retry_after`: seconds."""

    code: str
    param: str | None = None
    stream_id: str | None = None
    retry_after: float | None = None

    @property
    def status(self) -> int:
        """The HTTP status code."""
        return REFUSALS[self.code][0]

    def encode(self) -> str:
        """Encode as an `error` event of OpenAI's sockets."""
        status, sentence = REFUSALS[self.code]
        kind = "server_error" if status >= 500 else "invalid_request_error"
        error = {"type": kind, "code": self.code, "message": sentence, "param": self.param}
        frame: dict[str, object] = {"type": "error", "status": status, "error": error}
        optional = {"stream_id": self.stream_id, "retry_after": self.retry_after}
        frame |= {name: value for name, value in optional.items() if value is not None}
        return json.dumps(frame)
