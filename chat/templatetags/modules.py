"""`{% modules 'chat/page.js' %}`: a page's modules for its head."""

from functools import cache
from pathlib import Path

from django import template
from django.conf import settings
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from chat.pages.module_preloads import imported_modules

register = template.Library()


@register.simple_tag
def modules(name: str) -> SafeString:
    """The module's script, and a preload per import: else a browser finds each only in its importer."""
    names = _kept(name) if settings.STATIC_ROOT else imported_modules(name, _source)
    preloads = format_html_join(
        "\n    ", '<link rel="modulepreload" href="{}">', ([static(each)] for each in names)
    )
    script = format_html('<script type="module" src="{}"></script>', static(name))
    return format_html("{}\n    {}", preloads, script) if names else script


@cache
def _kept(name: str) -> list[str]:
    """Read once: collected files do not change under a running server."""
    return imported_modules(name, _source)


def _source(name: str) -> str:
    path = finders.find(name)
    assert isinstance(path, str), f"{name} is imported, but is no static file"
    return Path(path).read_text()
