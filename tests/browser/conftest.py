"""A real Chromium: one for all tests, with a fresh profile for each."""

import functools
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from tests.browser.visitor import open_page
from tests.browser.watch import Watch
from tests.harness.shared_stack import shared_stack
from tests.harness.skips import skip_without
from tests.harness.stack import Stack
from tests.harness.waiting import deadline

# the first is the same without a window's own pages and graphics, which cost three times the CPU of ours
CHROMIUMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, CHROMIUMS)), None)
# no sandbox: tests may run as root; and nothing but the tests may use the network
FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--renderer-process-limit=1",  # the pages of a profile share one, and no spare one is started
]
EXPECT_SECS = 60
KATEX = re.compile(r"/katex/katex(\.\w+)?\.js$")
in_session = functools.partial(pytest_asyncio.fixture, loop_scope="session")
stack = pytest.fixture(scope="package")(shared_stack)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of this folder on one event loop, so that they can share a Chromium."""
    for item in items:
        if item.path.parent == Path(__file__).parent and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@in_session(scope="package")
async def chromium() -> AsyncIterator[Browser]:
    """The Chromium of all tests."""
    if CHROMIUM is None:
        skip_without("Chromium (Debian: apt-get install chromium)")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@in_session()
async def browser(chromium: Browser) -> AsyncIterator[Browser]:
    """The Chromium; what a test opens in it is closed."""
    expect.set_options(timeout=deadline(EXPECT_SECS) * 1000)
    shared = set(chromium.contexts)
    yield chromium
    for context in set(chromium.contexts) - shared:
        await context.close()


async def profile(browser: Browser, **options: Any) -> BrowserContext:
    """A fresh profile, as patient as the machine is busy; without a service worker, which hides requests."""
    context = await browser.new_context(**{"service_workers": "block", **options})
    context.set_default_timeout(deadline(EXPECT_SECS) * 1000)
    return context


@in_session()
async def watch(browser: Browser) -> AsyncIterator[Watch]:
    """A fresh profile; an error that a page of it logs, or a violation of the policy, fails the test."""
    watch = await Watch.over(await profile(browser))
    yield watch
    await watch.context.close()
    assert watch.errors == []
    assert watch.violations == []


@in_session()
async def page(watch: Watch) -> Page:
    """An empty page of the watched profile."""
    return await watch.context.new_page()


@in_session(scope="package")
async def _opened(chromium: Browser, stack: Stack) -> AsyncIterator[tuple[Watch, Page]]:
    watch = await Watch.over(await profile(chromium))
    await watch.context.route(KATEX, lambda _: None)
    page = await watch.context.new_page()
    await open_page(page, stack)
    yield watch, page
    await watch.context.close()


@in_session()
async def modules(_opened: tuple[Watch, Page]) -> AsyncIterator[Page]:
    """An open page that the tests of its modules share: they call them, and leave nothing in it.

    Its formulas are never typeset, as in a new page: their library does not arrive.
    """
    watch, page = _opened
    yield page
    await page.evaluate("document.querySelector('#turns').replaceChildren()")
    errors, violations = [*watch.errors], [*watch.violations]
    watch.errors.clear()
    watch.violations.clear()
    assert errors == []
    assert violations == []
