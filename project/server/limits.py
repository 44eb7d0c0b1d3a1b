"""Limits of the web server, checked before anything is stored."""

API_PREFIX = "/v1/"
MAX_BODY_BYTES = 64 * 1024  # a title, a sign-in or a form of the admin is smaller
BODIES: dict[str, int] = {}  # path: another limit in bytes, for uploads
API_BODIES: dict[str, int] = {}  # beginning of a path: the same, for the API
UPLOADS_BYTES = 64 * 1024 * 1024  # of all uploads in memory at once; a part that does not fit gets 503
UNREAD_BYTES = 64 * 1024 * 1024  # of all answers that wait for their clients; beyond, the oldest is aborted
STREAM_BYTES = 16 * 1024  # of an answer of unknown length that wait for their client; Twisted: 64 KiB
HEADER_SECS = 10  # from the first byte, or the connection, to the end of the headers
BODY_SECS = 30  # from the end of the headers to that of the body
UPLOAD_SECS = 120  # the same of an upload: 10 MiB take as long at 0.7 Mbit/s
ANSWER_SECS = 60  # for the client to read an answer
NEXT_BYTES = 16 * 1024  # of requests that follow one in work; more is read later
IDLE_SECS = 60  # between two requests of a connection
MESSAGE_SECS = 60  # from a WebSocket message's first fragment to its last byte: 1.6 MB at 0.2 Mbit/s
MESSAGES_BYTES = 64 * 1024 * 1024  # of all incomplete messages; beyond, the oldest long one is aborted
LONG_MESSAGE_BYTES = 64 * 1024  # a shorter one always fits
HANDSHAKE_SECS = 10  # to accept or reject a WebSocket; a page waits as long
CLOSE_SECS = 4  # from our close frame to the client's
MAX_HANDSHAKES = 200  # open at once; the next one gets 503, and its page retries
MAX_WAITING = 65_536  # connections without a whole request, where descriptors are not limited to fewer
LINGER_SECS = 2  # after a refusal, for the client to read it
LINGER_BYTES = 1024 * 1024  # discarded in that time: a client that only writes reads nothing before


def body_limit(path: bytes) -> int:
    """Most bytes of a request's body."""
    name = _name(path)
    of_api = next((limit for begin, limit in API_BODIES.items() if name.startswith(begin)), MAX_BODY_BYTES)
    return BODIES.get(name, of_api)


def body_secs(path: bytes) -> int:
    """The time for a request's body."""
    return UPLOAD_SECS if is_upload(path) else BODY_SECS


def is_upload(path: bytes) -> bool:
    """Whether a body at this path has another limit."""
    return _name(path) in BODIES or is_api(path)


def is_api(path: bytes) -> bool:
    """Whether the API is at this path."""
    return _name(path).startswith(tuple(API_BODIES))


def _name(path: bytes) -> str:
    return path.partition(b"?")[0].decode("latin-1")
