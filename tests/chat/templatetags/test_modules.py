"""The tag in a page's head."""

import re

import pytest
from django.template import Context, Template

from chat.templatetags import modules

PRELOAD = r'<link rel="modulepreload" href="/static/(chat/\S+\.js)">'


SHEET = r'<link rel="stylesheet" href="/static/(chat/\S+\.css)" media="(all|print)">'


def head(name: str) -> str:
    tag = "styles" if name.endswith(".css") else "modules"
    return Template(f"{{% load modules %}}{{% {tag} '{name}' %}}").render(Context())


@pytest.fixture
def collected(static_root: None) -> None:
    """Files that were collected: what is decided once is decided anew."""
    modules._collected_modules.cache_clear()
    modules._collected_styles.cache_clear()


def test_what_the_page_needs_is_preloaded_and_then_it_runs() -> None:
    *preloads, script = [line.strip() for line in head("chat/page.js").splitlines()]
    forms = [re.fullmatch(PRELOAD, line) for line in preloads]
    found = [form[1] for form in forms if form]
    assert len(found) == len(preloads) == len(set(found))
    assert {"chat/server/socket.js", "chat/server/protocol.js"} < set(found)
    assert script == '<script type="module" src="/static/chat/page.js"></script>'


def test_a_module_alone_is_only_run() -> None:
    assert head("chat/minimal.js") == '<script type="module" src="/static/chat/minimal.js"></script>'


def test_the_stylesheets_are_linked_in_order() -> None:
    found = [re.fullmatch(SHEET, line.strip()) for line in head("chat/page.css").splitlines()]
    sheets = [(form[1], form[2]) for form in found if form]
    assert len(sheets) == len(found)
    assert sheets[0] == ("chat/styles/base.css", "all")
    assert sheets[-1] == ("chat/styles/print.css", "print")


@pytest.mark.usefixtures("collected")
def test_collected_files_are_those_that_were_built() -> None:
    assert head("chat/page.js") == '<script type="module" src="/static/chat/built/page.js"></script>'
    assert head("chat/page.css") == '<link rel="stylesheet" href="/static/chat/built/page.css" media="all">'
    assert head("chat/minimal.js") == '<script type="module" src="/static/chat/minimal.js"></script>'


@pytest.mark.usefixtures("collected")
def test_a_changed_source_is_served_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    source = modules._source
    edited = ("chat/server/socket.js", "chat/styles/turns.css")
    monkeypatch.setattr(modules, "_source", lambda name: source(name) + "\n" * (name in edited))
    assert '<script type="module" src="/static/chat/page.js"></script>' in head("chat/page.js")
    assert "/static/chat/styles/turns.css" in head("chat/page.css")
    assert "built" not in head("chat/page.js") + head("chat/page.css")
