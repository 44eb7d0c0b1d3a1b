"""A notification of an answer that ended while the page was hidden."""

from playwright.async_api import Page, expect

from tests.browser.visitor import ask, become_guest, ended, until
from tests.harness.stack import Stack

HELD = "[words-40+hold-after-10] tell me of weirs"
# headless browsers deny notifications
RECORDING = """
globalThis.notices = [];
globalThis.Notification = class extends EventTarget {
  static permission = "default";
  static asked = 0;
  static async requestPermission() {
    Notification.asked += 1;
    Notification.permission = "granted";
  }
  constructor(title, options) {
    super();
    notices.push({ title, ...options, press: () => this.dispatchEvent(new Event("click")) });
  }
  close() {}
};
"""
HIDE = "Object.defineProperty(document, 'hidden', { configurable: true, get: () => HIDDEN })"


async def test_the_reader_allows_it_and_is_called_back(page: Page, stack: Stack) -> None:
    await page.add_init_script(RECORDING)
    await become_guest(page, stack)
    turn = await ask(page, stack, HELD)
    await expect(turn.locator(".output")).to_contain_text("w8")
    assert await page.evaluate("Notification.asked") == 0, "the page asks for nothing by itself"
    await page.get_by_role("button", name="Notify me of answers").click()
    await expect(page.locator("#notify")).to_be_hidden()
    address = page.url
    await page.locator("#create").click()
    await expect(turn).to_have_count(0)
    await page.evaluate(HIDE.replace("HIDDEN", "true"))
    stack.upstream.release(HELD)
    await until(page, "notices.length === 1")
    [notice] = await page.evaluate("notices.map(({ press, ...shown }) => shown)")
    assert notice["title"].startswith(HELD[:20])
    assert notice["body"] == "The answer is ready."
    assert set(notice) == {"title", "body", "tag"}
    await page.evaluate(HIDE.replace("HIDDEN", "false"))
    await page.evaluate("notices[0].press()")
    await expect(page).to_have_url(address)
    await ended(turn)
