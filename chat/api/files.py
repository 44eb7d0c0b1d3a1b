"""`/v1/files`: upload, list, read and delete files for questions; a page's files are among them.

Format: https://platform.openai.com/docs/api-reference/files
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from channels.db import database_sync_to_async
from django.utils.http import content_disposition_header

from chat.api.endpoint import Endpoint
from chat.api.exchange import Exchange
from chat.api.pages import limit_of, order_of, page_of
from chat.file_models import USER_DATA, File
from chat.files.forms import FIELD, parse_form
from chat.files.listing import files_of
from chat.files.reading import content, find
from chat.files.spool import Spool, most_form_bytes
from chat.files.storing import store
from chat.protocol.errors import CommandError
from chat.protocol.events import JSON
from chat.retention.unused_files import erase_own

PURPOSES = (USER_DATA, "vision", "assistants")  # files for questions
OTHER_PURPOSES = ("batch", "fine-tune", "evals")  # of what OpenAI does, and Tailrace does not
MOST_LISTED = 10_000  # OpenAI's limit, and its default

T = TypeVar("T")


class Files(Endpoint):
    """`/v1/files`."""

    def most_body_bytes(self) -> int:
        """The limit of a form with a file."""
        return most_form_bytes()

    async def get(self, exchange: Exchange) -> None:
        """List the owner's files, the latest first."""
        exchange.require_query("after", "limit", "order", "purpose")
        purpose = exchange.value("purpose")
        rows, has_more = await database_sync_to_async(files_of, thread_sensitive=False)(
            exchange.owner.pk,
            purpose=purpose,
            ascending=order_of(exchange.query, "desc") == "asc",
            after=exchange.value("after"),
            limit=limit_of(exchange.query, MOST_LISTED, MOST_LISTED),
        )
        await exchange.reply(page_of([row.wire() for row in rows], has_more=has_more))

    async def post(self, exchange: Exchange) -> None:
        """Store the file of a form. It is kept until it is deleted."""
        await exchange.reply(await database_sync_to_async(_stored, thread_sensitive=False)(exchange))


class OneFile(Endpoint):
    """`/v1/files/<id>`."""

    async def get(self, exchange: Exchange, file_id: str) -> None:
        """Reply with the file object."""
        await exchange.reply((await _in_thread(find, exchange.owner.pk, file_id)).wire())

    async def delete(self, exchange: Exchange, file_id: str) -> None:
        """Delete the file, unless a response refers to it."""
        exchange.reply_headers["x-should-retry"] = "false"  # of a conflict
        await _in_thread(erase_own, exchange.owner.pk, file_id)
        await exchange.reply({"id": file_id, "object": "file", "deleted": True})


class FileContent(Endpoint):
    """`/v1/files/<id>/content`."""

    async def get(self, exchange: Exchange, file_id: str) -> None:
        """Reply with the bytes."""
        row = await _in_thread(find, exchange.owner.pk, file_id)
        body = await database_sync_to_async(content, thread_sensitive=False)(row)
        headers = {"content-disposition": content_disposition_header(True, row.name) or ""}
        await exchange.reply_bytes(body, row.media_type, headers=headers)


def _stored(exchange: Exchange) -> JSON:
    """Raises CommandError."""
    body, exchange.body = exchange.body, b""
    with Spool(FIELD) as spool:
        file, fields = parse_form(body, exchange.headers.get("content-type", ""), spool)
        purpose = _purpose(fields)
        row = store(exchange.owner, file.name or "", spool, declared=file.content_type or "", param=FIELD)
    File.objects.keep(row.pk, purpose)
    row.purpose = row.purpose or purpose
    return row.wire()


def _purpose(fields: Mapping[str, str]) -> str:
    """The purpose among the fields of a form. Raises CommandError for it, or another field."""
    for name in fields:
        if name.partition("[")[0] == "expires_after":
            raise CommandError("unsupported_parameter", "expires_after")
        if name != "purpose":
            raise CommandError("unknown_field", name[:100])
    purpose = fields.get("purpose")
    if purpose is None:
        raise CommandError("missing_field", "purpose")
    if purpose not in PURPOSES:
        code = "unsupported_parameter" if purpose in OTHER_PURPOSES else "invalid_field"
        raise CommandError(code, "purpose")
    return purpose


async def _in_thread(call: Callable[[int, str], T], owner_id: int, file_id: str) -> T:
    """Call in a thread for an owner's file. Raises CommandError with `file_id`."""
    try:
        found: T = await database_sync_to_async(call, thread_sensitive=False)(owner_id, file_id)
    except CommandError as error:
        raise replace(error, param="file_id") from None
    return found
