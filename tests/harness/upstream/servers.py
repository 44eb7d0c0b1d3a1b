"""The model servers of the upstream by their address, and the refusal where there is none.

/v1                          OpenAI's, with the Responses API
/embedding/v1                the same; its list of models begins with one that embeds
/openai/deployments/NAME     Azure's: `api-version` in the query, the key in `api-key`
/nginx                       none: 404 as nginx sends it; elsewhere as FastAPI does
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from tests.harness.upstream.refusals import (
    AZURE_DENIED,
    AZURE_NOT_FOUND,
    FASTAPI_NOT_FOUND,
    NGINX_NOT_FOUND,
    OTHER_KEY,
    Reply,
)

EMBEDDING = "text-embedding-scripted"
CALL = re.compile(
    r"((?P<embedding>/embedding)?/v1|(?P<azure>/openai/deployments/[\w-]+))/(chat/completions|models|(?P<responses>responses(?P<run>/.+)?))"
)
BEARER = re.compile(rb"(?i)\r\nauthorization: *bearer +(\S[^\r\n]*)")
API_KEY = re.compile(rb"(?i)\r\napi-key: *(\S[^\r\n]*)")


@dataclass(frozen=True)
class Call:
    """A request to a server; `refusal` where there is none, or it has another key."""

    target: str  # the path with the query
    key: str
    models: Sequence[str] = ("scripted",)
    refusal: Reply | None = None
    responses: bool = False  # the Responses API
    run: str = ""  # in it: the path of a run, with its first "/"


def call_at(target: str, head: bytes, api_key: str) -> Call:
    """Return the call at an address with these headers; its refusal if it has another key than `api_key`."""
    url = urlsplit(target)
    match = CALL.fullmatch(url.path)
    if match is None:
        missing = NGINX_NOT_FOUND if url.path.startswith("/nginx/") else FASTAPI_NOT_FOUND
        return Call(target, _key(BEARER, head), refusal=missing)
    if match["azure"]:
        return _azure(target, _key(API_KEY, head), api_key)
    key = _key(BEARER, head)
    models = (EMBEDDING, "scripted") if match["embedding"] else ("scripted",)
    refusal = None if api_key in ("", key) else OTHER_KEY
    return Call(target, key, models, refusal, bool(match["responses"]), match["run"] or "")


def _azure(target: str, key: str, api_key: str) -> Call:
    if "api-version" not in parse_qs(urlsplit(target).query):
        return Call(target, key, refusal=AZURE_NOT_FOUND)
    return Call(target, key, refusal=None if key and api_key in ("", key) else AZURE_DENIED)


def _key(pattern: re.Pattern[bytes], head: bytes) -> str:
    match = pattern.search(head)
    return match[1].decode() if match else ""
