"""A site under a path of its host: every address of the page begins with the path."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, expect

from project.up.parts import web_command
from project.up.ports import HOST
from tests.browser.test_sharing import create_link
from tests.browser.visitor import ask_here, ended
from tests.harness.processes import free_port
from tests.harness.stack import Stack, answers

PATH = "/chat"


@pytest.fixture(scope="module")
def below(stack: Stack) -> Iterator[str]:
    """The address of a second web server, which serves the site under the path."""
    port = free_port()
    origin = f"http://{HOST}:{port}"
    process = stack.start("web-below", *web_command(port), f"--root-path={PATH}", TAILRACE_ORIGINS=origin)
    process.wait_until(lambda: answers(f"{origin}{PATH}/healthz"))
    yield f"{origin}{PATH}"
    process.stop()


async def test_the_page_works_and_asks_for_nothing_beside_the_path(
    page: Page, stack: Stack, below: str
) -> None:
    paths: list[str] = []
    page.on("request", lambda request: paths.append(urlsplit(request.url).path))
    page.on("websocket", lambda socket: paths.append(urlsplit(socket.url).path))
    await page.goto(f"{below}/")
    turn = await ask_here(page, "[words-5] below")
    await ended(turn)
    await expect(page).to_have_url(re.compile(f"^{re.escape(below)}/conversations/conv_[0-9a-f]+/$"))
    await page.reload()
    await expect(page.locator("article.turn .output")).to_have_text("w0 w1 w2 w3 w4")
    await page.locator("#create").click()
    await expect(page).to_have_url(f"{below}/")
    await page.locator(".entry a").first.click()
    await expect(page.locator("article.turn .output")).to_have_text("w0 w1 w2 w3 w4")
    reader = await page.context.browser.new_page()  # type: ignore[union-attr]  # it has one
    reader.on("request", lambda request: paths.append(urlsplit(request.url).path))
    reader.on("websocket", lambda socket: paths.append(urlsplit(socket.url).path))
    await reader.goto(await create_link(page))
    await expect(reader.locator("article.turn .output")).to_have_text("w0 w1 w2 w3 w4")
    await expect(reader.locator("#connection")).to_have_attribute("data-state", "open")
    await page.goto(f"{below}/minimal/")
    await page.locator("#start").click()
    await expect(page.locator("#output")).to_contain_text("Number 9")
    manifest = await (await page.request.get(f"{below}/manifest.webmanifest")).json()
    paths += [manifest["start_url"], manifest["scope"], *(icon["src"] for icon in manifest["icons"])]
    for icon in manifest["icons"]:
        assert (
            await page.request.get(f"{urlsplit(below).scheme}://{urlsplit(below).netloc}{icon['src']}")
        ).ok
    assert [path for path in paths if not path.startswith(f"{PATH}/")] == []
    assert any(path.endswith("/ws/responses/") for path in paths)
    assert any("/static/" in path for path in paths)
