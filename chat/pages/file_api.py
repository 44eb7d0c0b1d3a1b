"""Files over HTTP: upload one, get or delete an own one."""

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST

from chat.file_models import File
from chat.files.forms import FIELD, OneFile
from chat.files.media_types import TEXT
from chat.files.reading import content, find
from chat.files.spool import Spool
from chat.files.storing import store
from chat.pages.conversation_api import typed_errors
from chat.protocol.errors import CommandError
from chat.retention.unused_files import erase_own

FORM = "multipart/form-data"
READ_BY_DJANGO = "application/x-www-form-urlencoded"  # whole, before a view is called
POLICY = "sandbox; default-src 'none'"


@transaction.non_atomic_requests
@csrf_exempt  # checked in `_upload`, as the check reads a form: first its parts are given their bound
@never_cache
@require_POST
@typed_errors
def upload(request: HttpRequest) -> HttpResponse:
    """Store the file of a form (`file`), or the body with the query's `filename`. Returns the file object."""
    if not request.user.is_authenticated:
        raise CommandError("unauthenticated")
    if request.content_type == READ_BY_DJANGO:
        raise CommandError("unsupported_file", FIELD)
    with Spool(FIELD) as spool:
        request.upload_handlers = [OneFile(spool)]
        try:
            return _upload(request, spool)
        except MultiPartParserError:
            raise CommandError("invalid_field", FIELD) from None


@csrf_protect
def _upload(request: HttpRequest, spool: Spool) -> HttpResponse:
    if request.content_type == FORM:
        name, declared = _from_form(request)
    else:
        name, declared = request.GET.get("filename", ""), request.content_type or ""
        spool.fill(request)
    return JsonResponse(_stored(request, name, spool, declared).wire(), status=201)


def _from_form(request: HttpRequest) -> tuple[str, str]:
    file = request.FILES.get(FIELD)
    if file is None:
        raise CommandError("missing_field", FIELD)
    return file.name or "", file.content_type or ""


def _stored(request: HttpRequest, name: str, spool: Spool, declared: str) -> File:
    assert request.user.is_authenticated  # as `upload` checked
    return store(request.user, name, spool, declared=declared, param=FIELD)


@require_http_methods(["GET", "HEAD", "DELETE"])
@typed_errors
def file(request: HttpRequest, id: str) -> HttpResponse:  # noqa: A002 - the URL's own word
    """A visitor's file: its content, or its deletion."""
    if not request.user.is_authenticated:
        raise CommandError("unauthenticated")
    if request.method == "DELETE":
        erase_own(request.user.pk, id)
        return JsonResponse({"id": id, "object": "file", "deleted": True})
    return content_response(request, find(request.user.pk, id))


def content_response(request: HttpRequest, row: File) -> HttpResponse:
    """A picture to show, anything else to save; a browser runs nothing of it."""
    etag = f'"{row.sha256}"'
    response = get_conditional_response(request, etag=etag) or HttpResponse(content(row))
    charset = "; charset=utf-8" if row.media_type == TEXT else ""
    headers = {
        "Content-Type": row.media_type + charset,
        "Content-Disposition": content_disposition_header(not row.is_image, row.name) or "",
        "Content-Security-Policy": POLICY,
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "private, no-cache",  # kept, but asked for again: the session may have ended
        "ETag": etag,
        "Content-Encoding": "identity",  # else the middleware would compress pictures
    }
    for name, value in headers.items():
        response.headers[name] = value
    return response
