"""The tag in a page's head."""

import re

from django.template import Context, Template

PRELOAD = r'<link rel="modulepreload" href="/static/(chat/\S+\.js)">'


def head(name: str) -> str:
    return Template(f"{{% load modules %}}{{% modules '{name}' %}}").render(Context())


def test_what_the_page_needs_is_preloaded_and_then_it_runs() -> None:
    *preloads, script = [line.strip() for line in head("chat/page.js").splitlines()]
    forms = [re.fullmatch(PRELOAD, line) for line in preloads]
    found = [form[1] for form in forms if form]
    assert len(found) == len(preloads) == len(set(found))
    assert {"chat/server/socket.js", "chat/server/protocol.js"} < set(found)
    assert script == '<script type="module" src="/static/chat/page.js"></script>'


def test_a_module_alone_is_only_run() -> None:
    assert head("chat/minimal.js") == '<script type="module" src="/static/chat/minimal.js"></script>'
