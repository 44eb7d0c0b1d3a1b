"""List a server's models, for `manage.py doctor --ask`."""

import json
import os
import urllib.error
import urllib.request
from dataclasses import dataclass, replace
from http.client import HTTPException
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from chat.protocol.events import JSON
from chat.responses.model_catalog import ModelConfig
from workers.providers.chat_models import MAX_LIST_BYTES, first_chat_model, rows
from workers.providers.request import request_headers

SECS = 10  # a time limit above is the model's own
# the context in tokens, as vLLM, OpenRouter and Together, Mistral, Groq name it
CONTEXT_FIELDS = ("max_model_len", "context_length", "max_context_length", "context_window")


@dataclass(frozen=True, slots=True)
class Listing:
    """The reply to GET /models. `status` 0: no reply; `is_api`: it is JSON, not a web page."""

    status: int = 0
    is_api: bool = False
    names: tuple[str, ...] = ()
    contexts: tuple[tuple[str, int], ...] = ()  # by name, where the server lists them
    location: str = ""  # of a redirect, as a base URL
    first: str = ""  # the model that a worker takes without `upstream_model`

    def context(self, name: str) -> int | None:
        """The context of a model in tokens, if listed."""
        return dict(self.contexts).get(name)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is a wrong address: it would carry the key to another host."""

    def redirect_request(self, *_: Any) -> None:
        """Refuse."""


_OPENER = urllib.request.build_opener(_NoRedirect)


def listed(model: ModelConfig, base_url: str = "") -> Listing:
    """Ask for the models, at `base_url` or the model's own. Blocks up to SECS per read; never raises."""
    try:
        return _asked(model, base_url or model.base_url)
    except (OSError, ValueError, HTTPException):  # ValueError: a header, a port or a target of a redirect
        return Listing()


def _asked(model: ModelConfig, base_url: str) -> Listing:
    query = f"?{urlencode(model.query)}" if model.query else ""
    request = urllib.request.Request(  # noqa: S310 - the catalog admits http and https only
        f"{base_url}/models{query}", headers=request_headers(model, os.environ)
    )
    try:
        with _OPENER.open(request, timeout=min(SECS, model.deadlines.connect)) as reply:
            return _read(reply.status, reply.read(MAX_LIST_BYTES))
    except urllib.error.HTTPError as refusal:
        with refusal:
            listing = _read(refusal.code, refusal.read(MAX_LIST_BYTES))
            return replace(listing, location=_location(request.full_url, refusal.headers.get("Location", "")))


def _location(url: str, target: str) -> str:
    """The base URL of a redirect's target, without credentials and query; "" if it lists no models."""
    parts = urlsplit(urljoin(url, target))
    if not target or parts.scheme not in ("http", "https") or not parts.path.endswith("/models"):
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.removesuffix('/models')}"


def _read(status: int, body: bytes) -> Listing:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return Listing(status)
    named = [row for row in rows(value) if isinstance(row.get("id"), str)]
    contexts = [(row["id"], size) for row in named if (size := _context(row))]
    names = tuple(row["id"] for row in named)
    return Listing(
        status, isinstance(value, dict | list), names, tuple(contexts), first=first_chat_model(value) or ""
    )


def _context(row: JSON) -> int | None:
    sizes = [row.get(field) for field in CONTEXT_FIELDS]
    return next((size for size in sizes if isinstance(size, int) and size > 0), None)
