"""Messages that are written while an answer runs: shown below it, sent after it, once for all tabs."""

from playwright.async_api import FilePayload, Locator, Page, expect

from tests.browser.visitor import ask, beside, ended
from tests.harness.stack import Stack

HELD = "[words-20+hold-after-5]"


async def queue(page: Page, *messages: str) -> Locator:
    """Write messages while an answer runs, and return them once all are shown."""
    queued = page.locator(".queued-message")
    before = await queued.count()
    for message in messages:
        await page.locator("#message").fill(message)
        await page.locator("#message").press("Enter")
    await expect(queued).to_have_count(before + len(messages))
    return queued


async def test_messages_wait_in_order_survive_a_reload_and_follow_the_answer(
    page: Page, stack: Stack
) -> None:
    await expect((await ask(page, stack, f"{HELD} order")).locator(".output")).to_contain_text("w3 ")
    queued = await queue(page, "[echo] one", "[echo] two", "[echo] three")
    await expect(page.get_by_role("button", name="Stop", exact=True)).to_be_visible()
    await expect(queued.locator(".queued-state")).to_have_text(
        ["Sent when the answer ends", "Sent in its turn", "Sent in its turn"]
    )
    await queued.nth(1).get_by_role("button", name="Cancel").click()
    await expect(page.locator("#message")).to_have_value("[echo] two")
    await page.locator("#message").fill("")
    await queued.nth(1).get_by_role("button", name="Edit").click()
    await page.get_by_role("textbox", name="Edit your message").fill("[echo] four")
    await page.keyboard.press("Enter")
    await expect(queued.locator(".input")).to_have_text(["[echo] one", "[echo] four"])
    await page.reload()
    await expect(queued.locator(".input")).to_have_text(["[echo] one", "[echo] four"])
    stack.upstream.release(f"{HELD} order")
    turns = page.locator("article.turn")
    await expect(turns.locator(".input")).to_have_text([f"{HELD} order", "[echo] one", "[echo] four"])
    await ended(turns.last)
    await expect(turns.locator(".output")).to_have_text(["".join(f"w{n} " for n in range(20)), "one", "four"])
    await expect(page.locator("#queued")).to_be_hidden()


async def test_after_stop_the_reader_sends_it(page: Page, stack: Stack) -> None:
    turn = await ask(page, stack, f"{HELD} stop")
    await expect(turn.locator(".output")).to_contain_text("w3 ")
    queued = await queue(page, "[echo] one")
    await page.get_by_role("button", name="Stop", exact=True).click()
    await ended(turn, "cancelled")
    await expect(queued.locator(".queued-state")).to_have_text(
        "Not sent, because the answer above did not end by itself"
    )
    await queued.get_by_role("button", name="Send").click()
    last = page.locator("article.turn").nth(1)
    await ended(last)
    await expect(last.locator(".output")).to_have_text("one")
    await expect(page.locator("#queued")).to_be_hidden()


async def test_two_tabs_send_it_once(page: Page, stack: Stack) -> None:
    await expect((await ask(page, stack, f"{HELD} tabs")).locator(".output")).to_contain_text("w3 ")
    other = await beside(page.context, page.url)
    await queue(page, "[echo] one", "[echo] two")
    await expect(other.locator(".queued-message")).to_have_count(2)
    before = stack.count_rows()
    stack.upstream.release(f"{HELD} tabs")
    for each in (page, other):
        turns = each.locator("article.turn")
        await expect(turns).to_have_count(3)
        await ended(turns.last)
        await expect(turns.locator(".input")).to_have_text([f"{HELD} tabs", "[echo] one", "[echo] two"])
        await expect(each.locator("#queued")).to_be_hidden()
    assert stack.count_rows() == before + 2


async def test_a_queued_message_takes_its_files_along(page: Page, stack: Stack) -> None:
    turn = await ask(page, stack, f"{HELD} files", "scripted-vision")
    await expect(turn.locator(".output")).to_contain_text("w3 ")
    text = FilePayload(name="depths.txt", mimeType="text/plain", buffer=b"Two metres.")
    await page.locator("#files").set_input_files([text])
    await expect(page.locator('.file-chip[data-state="uploaded"]')).to_have_count(1)
    queued = await queue(page, "[echo] with a file")
    await expect(queued.get_by_role("link", name="depths.txt")).to_be_visible()
    await expect(page.locator(".file-chip")).to_have_count(0)
    stack.upstream.release(f"{HELD} files")
    last = page.locator("article.turn").nth(1)
    await ended(last)
    await expect(last.get_by_role("link", name="depths.txt")).to_be_visible()
