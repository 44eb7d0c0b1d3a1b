"""Every stable code with its fixed sentence: all that a client may learn of an error.

    ProtocolError
    └── CommandError    a command was refused; nothing was stored or enqueued

REFUSALS are sent in an `error` event. FAILURES end a response: `response.error.code`.
A socket that the server closes gets an `error` event first, then one of the close codes.
"""

import json
from dataclasses import dataclass

SIGNED_OUT = 4401  # close code of a socket without a user, after HTTP's 401
SLOW_READER = (
    4408  # close code of a socket whose client did not read, after HTTP's 408: reconnect with the cursor
)

REFUSALS: dict[str, tuple[int, str]] = {
    "invalid_json": (400, "The frame is not a JSON object."),
    "binary_frame": (400, "The frame is binary: send JSON as text."),
    "frame_too_large": (413, "The frame is too large."),
    "unknown_type": (400, "This type of command is not known."),
    "missing_field": (400, "A required field is missing."),
    "unknown_field": (400, "This field is not known."),
    "invalid_field": (400, "This field has a value that is not allowed."),
    "empty_input": (400, "The input is empty."),
    "input_too_long": (400, "The input is too long."),
    "unauthenticated": (401, "Sign in first: this session is not known or has ended."),
    "model_not_found": (404, "There is no model with this name."),
    "response_not_found": (404, "There is no response with this id."),
    "conversation_not_found": (404, "There is no conversation with this id."),
    "slow_reader": (408, "This socket was not read in time: open another and go on from the last event."),
    "too_many_followed": (429, "This socket follows too many responses: unsubscribe from some."),
    "busy": (503, "The service cannot take this now: try again in a moment."),
}

FAILURES: dict[str, str] = {
    "upstream_unreachable": "The model's server could not be reached.",
    "upstream_unauthorized": "The model's server refused our key.",
    "upstream_not_found": "The model's server does not know this model.",
    "upstream_rejected": "The model's server refused the request.",
    "rate_limit_exceeded": "The model's server is asked too often: try again later.",
    "upstream_error": "The model's server reported an error.",
    "upstream_malformed": "The model's server sent something that is not an answer.",
    "upstream_cut": "The model's server ended the answer before it was complete.",
    "timeout_connect": "The model's server did not accept the connection in time.",
    "timeout_first_token": "The model did not begin to answer in time.",
    "timeout_between_tokens": "The model stopped in the middle of the answer.",
    "timeout_total": "The answer took too long.",
    "model_removed": "The model of this response is not configured any more.",
    "queue_unavailable": "The response could not be queued.",
    "worker_lost": "The worker that wrote this answer was lost.",
    "worker_error": "The worker met an error of its own.",
}


class ProtocolError(Exception):
    """Something that the protocol does not allow."""


@dataclass
class CommandError(ProtocolError):
    """A command was refused. `code` is a key of REFUSALS, `param` the field it is about."""

    code: str
    param: str | None = None
    stream_id: str | None = None

    @property
    def status(self) -> int:
        """Its HTTP status code."""
        return REFUSALS[self.code][0]

    def encode(self) -> str:
        """The frame for the client: an `error` event as OpenAI's sockets send it."""
        status, sentence = REFUSALS[self.code]
        kind = "server_error" if status >= 500 else "invalid_request_error"
        error = {"type": kind, "code": self.code, "message": sentence, "param": self.param}
        frame: dict[str, object] = {"type": "error", "status": status, "error": error}
        if self.stream_id is not None:
            frame["stream_id"] = self.stream_id
        return json.dumps(frame)
