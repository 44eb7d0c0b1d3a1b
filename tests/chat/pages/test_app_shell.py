"""The manifest of the installed app, and what the pages' heads say about it."""

import json
import re
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.test.utils import override_script_prefix
from PIL import Image

from chat.pages import app_shell

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_root")]

BASE = Path("chat/static/chat/styles/base.css")


def head(client: Client) -> str:
    reply: HttpResponse = client.get("/accounts/login/")  # type: ignore[assignment]  # the test client's own class
    return reply.content.decode().partition("</head>")[0]


def test_the_manifest_is_for_everybody_and_names_icons_of_their_sizes(client: Client) -> None:
    reply = client.get("/manifest.webmanifest")
    assert reply.headers["Content-Type"] == "application/manifest+json"
    assert "Set-Cookie" not in reply.headers
    found = reply.json()
    assert (found["id"], found["start_url"], found["scope"]) == ("/", "/", "/")
    assert {icon["purpose"] for icon in found["icons"]} == {"any", "maskable"}
    for icon in found["icons"]:
        path = finders.find(icon["src"].removeprefix("/static/"))
        assert isinstance(path, str)
        if icon["sizes"] != "any":
            with Image.open(path) as picture:
                assert "x".join(map(str, picture.size)) == icon["sizes"]


def test_every_page_names_manifest_touch_icon_and_colours(client: Client) -> None:
    found = head(client)
    assert '<link rel="manifest" href="/manifest.webmanifest">' in found
    touch = re.search(r'<link rel="apple-touch-icon" href="/static/([^"]+)">', found)
    assert touch
    assert finders.find(touch[1])


@pytest.mark.parametrize(("theme", "count"), [("", 2), ("system", 2), ("light", 1), ("dark", 1)])
def test_the_colour_of_the_browser_is_that_of_the_chosen_theme(
    client: Client, theme: str, count: int
) -> None:
    client.cookies["theme"] = theme
    light, dark = re.findall(
        r"--paper: light-dark\((#\w+), (#\w+)\)", (Path(__file__).parents[3] / BASE).read_text()
    )[0]
    colours = re.findall(r'<meta name="theme-color" content="(#\w+)"', head(client))
    expected = {"light": [light], "dark": [dark]}.get(theme, [light, dark])
    assert colours == expected
    assert len(colours) == count


def test_the_worker_keeps_the_offline_page_and_its_files(client: Client) -> None:
    reply = client.get("/service-worker.js")
    assert reply.headers["Content-Type"] == "text/javascript"
    assert "max-age=0" in reply.headers["Cache-Control"]
    shell, source = reply.content.decode().partition(";\n")[::2]
    kept = json.loads(shell.removeprefix("globalThis.SHELL = "))
    page = client.get(kept["page"]).content.decode()
    files = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page))
    assert set(kept["files"]) == {name for name in files if "icons/" not in name}
    assert kept["cache"].startswith(kept["prefix"])
    assert 'addEventListener("fetch"' in source


def test_the_offline_page_is_the_same_for_everybody(client: Client, owner: User) -> None:
    before = client.get("/offline/")
    client.force_login(owner)
    client.cookies["theme"] = "dark"
    after = client.get("/offline/")
    assert after.content == before.content
    assert "Set-Cookie" not in before.headers


def test_below_a_path_of_the_host_every_address_begins_with_it(rf: RequestFactory) -> None:
    with override_script_prefix("/chat/"):
        found = json.loads(app_shell.manifest(rf.get("/")).content)
        script = app_shell.service_worker(rf.get("/")).content.decode()
    assert (found["start_url"], found["scope"]) == ("/chat/", "/chat/")
    shell = json.loads(script.partition(";\n")[0].removeprefix("globalThis.SHELL = "))
    assert shell["page"] == "/chat/offline/"
    assert all(name.startswith("/chat/static/") for name in shell["files"])
