"""Downloads of a visitor's data: one conversation as Markdown or JSON, and everything as a ZIP."""

from collections.abc import AsyncIterator, Callable, Iterator
from uuid import UUID

from channels.db import database_sync_to_async
from django.http import Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from chat.file_models import File
from chat.models import Conversation
from chat.pages.archive import archive
from chat.pages.conversation_api import typed_errors
from chat.pages.transcript import as_json, as_markdown, file_name
from chat.protocol.errors import CommandError

FORMS = {"md": ("text/markdown", as_markdown), "json": ("application/json", as_json)}


@require_safe
@never_cache
@typed_errors
def conversation(request: HttpRequest, id: UUID, form: str) -> HttpResponseBase:  # noqa: A002 - the URL's own word
    """A visitor's conversation as a file: `form` is `md` or `json`."""
    if form not in FORMS:
        raise Http404
    row = Conversation.objects.visible_to(_owner(request)).filter(pk=id).first()
    if row is None:
        raise CommandError("conversation_not_found")
    kind, write = FORMS[form]
    texts = write(row, _name)
    return _download(f"{kind}; charset=utf-8", f"{file_name(row.title)}.{form}", map(str.encode, texts))


@require_safe
@never_cache
@typed_errors
def everything(request: HttpRequest) -> HttpResponseBase:
    """All of a visitor's conversations and files as a ZIP."""
    name = f"tailrace {timezone.now():%Y-%m-%d}.zip"
    response = _download("application/zip", name, archive(_owner(request)))
    response.headers["Content-Encoding"] = "identity"  # else the middleware would compress it again
    return response


def _owner(request: HttpRequest) -> int:
    if not request.user.is_authenticated:
        raise CommandError("unauthenticated")
    return request.user.pk


def _name(file: File) -> str:
    return f"{file.name} ({file.wire_id})"


def _download(content_type: str, name: str, pieces: Iterator[bytes]) -> StreamingHttpResponse:
    response = StreamingHttpResponse(in_threads(pieces), content_type=content_type)
    response.headers["Content-Disposition"] = content_disposition_header(True, name) or ""
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


async def in_threads(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The pieces of a blocking iterator, each made in a thread, which is free while the client reads."""
    step: Callable[..., bytes | None] = next
    make = database_sync_to_async(step, thread_sensitive=False)
    while (piece := await make(pieces, None)) is not None:
        yield piece
