"""The site as an installed app: its manifest, its offline page and the service worker that shows it."""

import hashlib
import json
from pathlib import Path

from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

PAPER = "#fbfaf7"  # as in base.css
WORKER = "chat/offline/worker.js"
OFFLINE_FILES = ("chat/styles/base.css", "chat/styles/plain.css", "chat/offline/page.js", "chat/favicon.svg")
ICONS = (
    ("favicon.svg", "any", "image/svg+xml", "any"),
    ("icons/icon-192.png", "192x192", "image/png", "any"),
    ("icons/icon-512.png", "512x512", "image/png", "any"),
    ("icons/maskable-512.png", "512x512", "image/png", "maskable"),
)


@require_safe
@cache_control(max_age=3600)
def manifest(request: HttpRequest) -> JsonResponse:
    """The web app manifest: the same for everybody."""
    icons = [
        {"src": static(f"chat/{name}"), "sizes": sizes, "type": kind, "purpose": purpose}
        for name, sizes, kind, purpose in ICONS
    ]
    page = reverse("page")
    content = {
        "name": "Tailrace",
        "id": page,
        "start_url": page,
        "scope": page,
        "display": "standalone",
        "background_color": PAPER,
        "theme_color": PAPER,
        "icons": icons,
    }
    return JsonResponse(content, content_type="application/manifest+json")


@require_safe
@cache_control(max_age=0)
def offline(request: HttpRequest) -> HttpResponse:
    """The offline page: the same for everybody, so it is rendered without the request."""
    return HttpResponse(render_to_string("chat/offline.html"))


@require_safe
@cache_control(max_age=0)
def service_worker(request: HttpRequest) -> HttpResponse:
    """The worker's script at the site's path, its scope. A deploy with other files is another script."""
    path = finders.find(WORKER)
    assert isinstance(path, str)
    source = Path(path).read_text()
    page, files = reverse("offline"), [static(name) for name in OFFLINE_FILES]
    version = hashlib.sha256(json.dumps([source, files, render_to_string("chat/offline.html")]).encode())
    prefix = f"tailrace {page} "
    shell = {"prefix": prefix, "cache": prefix + version.hexdigest()[:12], "page": page, "files": files}
    script = f"globalThis.SHELL = {json.dumps(shell)};\n{source}"
    return HttpResponse(script, content_type="text/javascript")
