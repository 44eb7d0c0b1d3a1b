"""`{% modules 'chat/page.js' %}` and `{% styles 'chat/page.css' %}`: a page's scripts and stylesheets."""

from functools import cache
from pathlib import Path

from django import template
from django.conf import settings
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from chat.pages.bundles import current_bundle, imported_styles
from chat.pages.module_preloads import imported_modules

register = template.Library()
BETWEEN = "\n    "


@register.simple_tag
def modules(name: str) -> SafeString:
    """The module's script: built, or with a preload per import: else a browser finds each in its importer."""
    script, preloads = (_collected_modules if settings.STATIC_ROOT else _modules)(name)
    links = ((static(each),) for each in preloads)
    tags = [format_html('<link rel="modulepreload" href="{}">', *link) for link in links]
    tags.append(format_html('<script type="module" src="{}"></script>', static(script)))
    return format_html_join(BETWEEN, "{}", ((tag,) for tag in tags))


@register.simple_tag
def styles(name: str) -> SafeString:
    """A link to the built stylesheet, or to each that it imports."""
    sheets = (_collected_styles if settings.STATIC_ROOT else _styles)(name)
    link = '<link rel="stylesheet" href="{}" media="{}">'
    return format_html_join(BETWEEN, link, ((static(each), media) for each, media in sheets.items()))


def _modules(name: str) -> tuple[str, list[str]]:
    return name, imported_modules(name, _source)


def _styles(name: str) -> dict[str, str]:
    return imported_styles(name, _source)


@cache
def _collected_modules(name: str) -> tuple[str, list[str]]:
    """Decided once: collected files do not change under a running server."""
    script, imports = _modules(name)
    built = current_bundle(script, imports, _source)
    return (built, []) if built else (script, imports)


@cache
def _collected_styles(name: str) -> dict[str, str]:
    sheets = _styles(name)
    built = current_bundle(name, sheets, _source)
    return {built: "all"} if built else sheets


def _source(name: str) -> str:
    path = finders.find(name)
    if not isinstance(path, str):
        raise FileNotFoundError(name)
    return Path(path).read_text()
