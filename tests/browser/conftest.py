"""A real Chromium and the running Tailrace that it looks at."""

import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.browser.watch import Watch
from tests.harness.skips import skip_without

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# no sandbox: tests may run as root; and nothing but the tests may use the network
FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
# what is expected comes at once, or late on a busy machine; it costs nothing while the tests are green
expect.set_options(timeout=20_000)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A Chromium of this test alone."""
    if CHROMIUM is None:
        skip_without("Chromium (Debian: apt-get install chromium)")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def watch(browser: Browser) -> AsyncIterator[Watch]:
    """A fresh profile; an error that a page of it logs, or a violation of the policy, fails the test."""
    watch = await Watch.over(await browser.new_context())
    yield watch
    await watch.context.close()
    assert watch.errors == []
    assert watch.violations == []


@pytest.fixture
async def page(watch: Watch) -> Page:
    """An empty page of the watched profile."""
    return await watch.context.new_page()
