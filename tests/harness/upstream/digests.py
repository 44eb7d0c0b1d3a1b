"""The images and files of a request, decoded as by a vision model, and recorded by their digests."""

import base64
import hashlib
from typing import Any

DATA, MARK = "data:", ";base64,"


def digested(body: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return a body with `digest_of` each file in place of its data URL, and these digests in their order."""
    files: list[str] = []
    return _without_data(body, files), files


def digest_of(media_type: str, content: bytes) -> str:
    """Return the type and the SHA-256 of a file."""
    return f"{media_type} {hashlib.sha256(content).hexdigest()}"


def _without_data(value: Any, files: list[str]) -> Any:
    if isinstance(value, dict):
        return {name: _without_data(each, files) for name, each in value.items()}
    if isinstance(value, list):
        return [_without_data(each, files) for each in value]
    if not isinstance(value, str) or not value.startswith(DATA) or MARK not in value:
        return value
    head, _, data = value.removeprefix(DATA).partition(MARK)
    files.append(digest_of(head, base64.b64decode(data, validate=True)))
    return files[-1]
