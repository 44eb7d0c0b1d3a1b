"""The first load: small, in two round trips, kept for ever, and of use before there is a socket."""

from typing import Any

import pytest
from playwright.async_api import Page, Response, expect

from tests.browser.visitor import ask, ended, open_page, refuse_socket
from tests.harness.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

BUDGET_BYTES = 120_000  # compressed, with its headers
YEAR_SECS = 31_536_000
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
    assert total < BUDGET_BYTES
    assert [entry["entryType"] for entry in entries].count("navigation") == 1
    assert all(entry["encodedBodySize"] < entry["decodedBodySize"] for entry in entries), "all are compressed"
    assert len(entries) > 10


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
        assert file.headers["content-encoding"] == "gzip", file.url


async def test_all_modules_are_asked_for_by_the_document(page: Page, stack: Stack) -> None:
    await open_page(page, stack)
    scripts = {entry["name"] for entry in await loaded(page) if entry["name"].endswith(".js")}
    named = await page.locator("link[rel=modulepreload], script[src]").evaluate_all(
        "(all) => all.map((each) => each.href ?? each.src)"
    )
    assert scripts == set(named)


async def test_old_turns_are_read_and_a_new_one_is_written_without_a_socket(page: Page, stack: Stack) -> None:
    turn = await ask(page, stack, "[echo] remember the weir")
    await ended(turn)
    await refuse_socket(page)
    await page.reload()
    await expect(turn.locator(".output")).to_have_text("remember the weir")
    await page.locator("#composer textarea").fill("and the headrace")
    await expect(page.locator("#composer textarea")).to_have_value("and the headrace")
    await expect(page.locator("#connection")).not_to_have_attribute("data-state", "open")
