"""The first load: small, in two round trips, kept for ever, and of use before there is a socket."""

import re
from typing import Any

from django.template import Context, Template
from playwright.async_api import Browser, Page, Response, Route, expect

from tests.browser.conftest import profile
from tests.browser.visitor import ask, ended, open_page, refuse_socket
from tests.harness.stack import Stack

MOST_REQUESTS = 6
BUDGET_BYTES = 70_000  # compressed, with its headers
ROUNDS = 5  # of a comparison: the best of each counts
MOST_OF_MODULES = 0.7  # of the time to interactive with modules as they are; half on an idle machine
YEAR_SECS = 31_536_000
BUILT = re.compile(r"<(?:link|script)[^>]*/chat/built/[^>]*>(?:</script>)?")
# everything that the document asked for, itself included; what scripts fetch once there is a socket is not
LOADED = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .filter(({ initiatorType }) => initiatorType !== "fetch")
  .map(({ name, entryType, initiatorType, transferSize, encodedBodySize, decodedBodySize }) =>
    ({ name, entryType, initiatorType, transferSize, encodedBodySize, decodedBodySize }))"""


async def loaded(page: Page) -> list[dict[str, Any]]:
    """The requests of the page with their sizes, once all have ended."""
    await page.wait_for_load_state("load")
    return list(await page.evaluate(LOADED))


async def test_the_first_load_is_small_and_one_document(page: Page, stack: Stack) -> None:
    await open_page(page, stack)
    entries = await loaded(page)
    total = sum(entry["transferSize"] for entry in entries)
    plain = sum(entry["decodedBodySize"] for entry in entries)
    print(f"first load: {len(entries)} files, {total} bytes on the wire, {plain} unpacked")
    assert len(entries) <= MOST_REQUESTS
    assert total < BUDGET_BYTES
    assert [entry["entryType"] for entry in entries].count("navigation") == 1
    assert all(entry["encodedBodySize"] < entry["decodedBodySize"] for entry in entries), "all are compressed"
    assert len(entries) > 2


async def test_every_file_but_the_document_may_be_kept_for_ever(page: Page, stack: Stack) -> None:
    replies: list[Response] = []
    page.on("response", lambda reply: replies.append(reply))
    await open_page(page, stack)
    document, *files = [reply for reply in replies if reply.request.resource_type != "fetch"]
    assert document.headers["content-encoding"] == "gzip"
    assert "no-store" in document.headers["cache-control"]
    assert files
    for file in files:
        rules = dict(rule.strip().partition("=")[::2] for rule in file.headers["cache-control"].split(","))
        assert "immutable" in rules, file.url
        assert int(rules["max-age"]) >= YEAR_SECS, file.url
        assert file.headers["content-encoding"] == "br", file.url


async def test_the_page_is_interactive_sooner_than_with_its_modules_as_they_are(
    browser: Browser, stack: Stack
) -> None:
    times: dict[str, list[float]] = {"built": [], "modules": []}
    for _ in range(ROUNDS):
        for form, found in times.items():
            found.append(await interactive_ms(browser, stack, form))
    built, modules = (min(found) for found in times.values())
    print(f"interactive: {built:.0f} ms built, {modules:.0f} ms as modules, {built / modules:.2f} of it")
    assert built < MOST_OF_MODULES * modules


async def interactive_ms(browser: Browser, stack: Stack, form: str) -> float:
    """The time until a fresh profile's page has run its script, built or as modules."""
    context = await profile(browser)
    page = await context.new_page()

    async def serve(route: Route) -> None:
        reply = await route.fetch()
        text = await reply.text()
        await route.fulfill(response=reply, body=text if form == "built" else as_modules(text))

    await page.route(f"{stack.url}/", serve)
    await open_page(page, stack)
    [entry] = await page.evaluate("performance.getEntriesByType('navigation').map((each) => each.toJSON())")
    await context.close()
    return float(entry["domContentLoadedEventEnd"] - entry["responseEnd"])


def as_modules(text: str) -> str:
    """The document with the sources in place of the built files, as `runserver` sends it."""
    tags = "{% load modules %}{% styles 'chat/page.css' %}{% modules 'chat/page.js' %}"
    sources = Template(tags).render(Context())
    assert len(BUILT.findall(text)) == 2
    return BUILT.sub("", text).replace("</head>", f"{sources}</head>")


async def test_old_turns_are_read_and_a_new_one_is_written_without_a_socket(page: Page, stack: Stack) -> None:
    turn = await ask(page, stack, "[echo] remember the weir")
    await ended(turn)
    await refuse_socket(page)
    await page.reload()
    await expect(turn.locator(".output")).to_have_text("remember the weir")
    await page.locator("#composer textarea").fill("and the headrace")
    await expect(page.locator("#composer textarea")).to_have_value("and the headrace")
    await expect(page.locator("#connection")).not_to_have_attribute("data-state", "open")
