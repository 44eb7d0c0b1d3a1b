"""The page of API keys in a real browser: make one, copy it, revoke it, by keyboard and on a phone."""

import re

from playwright.async_api import Browser, Page, expect

from tests.browser.axe import findings, page_for_axe
from tests.browser.conftest import in_session
from tests.browser.test_media import BEYOND, NARROW
from tests.browser.test_sign_out import make_reader, sign_in
from tests.browser.watch import Watch
from tests.harness.stack import Stack

TEXT = re.compile(r"^tr_[\w-]{43}$")
LONG = "the-build-server-" * 4
READ_CLIPBOARD = "navigator.clipboard.readText()"
# a person can copy it by hand
SELECTED = "document.activeElement.value.slice(document.activeElement.selectionStart)"

# the event of the first close comes when the dialog is open again
CANCEL_AND_REVOKE = """async (label) => {
  const dialog = document.querySelector("#revoke");
  const revoke = document.querySelector(`[aria-label="${label}"]`);
  const closed = new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  revoke.click();
  dialog.querySelector(".cancel").click();
  revoke.click();
  await closed;
  dialog.querySelector(".danger").click();
}"""


@in_session(scope="module")
async def readers(stack: Stack) -> list[str]:
    """Users with a password: the first test has its own, which begins without keys."""
    names = ["programmer", "operator"]
    for name in names:
        make_reader(stack, name)
    return names


@in_session(scope="module")
async def reader(readers: list[str]) -> str:
    """The user of the other tests."""
    return readers[1]


async def open_keys(page: Page, stack: Stack, reader: str) -> None:
    await sign_in(page, stack, reader)
    if await page.locator("#sidebar-toggle").get_attribute("aria-expanded") == "false":
        await page.locator("#sidebar-toggle").click()
    await page.get_by_role("link", name="API keys").click()
    await expect(page.get_by_role("button", name="Make a key")).to_be_enabled()


async def make(page: Page, name: str) -> str:
    """Make a key by the keyboard, and return its text."""
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Name").press("Enter")
    await expect(page.get_by_role("textbox", name="Key", exact=True)).to_be_focused()
    return str(await page.evaluate(SELECTED))


async def test_a_key_is_shown_once_and_ends_when_it_is_revoked(
    page: Page, stack: Stack, readers: list[str]
) -> None:
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await open_keys(page, stack, readers[0])
    await expect(page.get_by_text("You have no keys.")).to_be_visible()
    await page.get_by_label("Expires").select_option("Never")
    text = await make(page, "laptop")
    assert TEXT.match(text)
    await expect(page.locator("#announcer")).to_contain_text("It is shown only once")
    await page.get_by_role("button", name="Copy").last.click()
    copied = await page.evaluate(READ_CLIPBOARD)
    assert copied == f"OPENAI_BASE_URL={stack.url}/v1\nOPENAI_API_KEY={text}"
    row = page.get_by_role("listitem").filter(has_text="laptop")
    await expect(row).to_contain_text(text[-4:])
    await expect(row).to_contain_text("never used, does not expire")

    await page.reload()
    await expect(row).to_be_visible()
    assert text not in await page.content()
    methods: list[str] = []
    page.on("request", lambda request: methods.append(request.method))
    await page.get_by_role("button", name="Revoke “laptop”").press("Enter")
    dialog = page.get_by_role("dialog", name="Revoke “laptop”?")
    await expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Revoke “laptop”")).to_be_focused()
    await page.keyboard.press("Enter")
    await dialog.get_by_role("button", name="Revoke").press("Enter")
    await expect(row).to_have_count(0)
    await expect(page.get_by_role("heading", name="Your keys")).to_be_focused()
    await expect(page.locator("#announcer")).to_have_text("“laptop” is revoked.")
    assert methods == ["DELETE"]  # none at Cancel


async def test_a_key_is_revoked_in_a_dialog_that_was_cancelled_a_moment_before(
    page: Page, stack: Stack, reader: str
) -> None:
    await open_keys(page, stack, reader)
    await make(page, "tablet")
    await page.evaluate(CANCEL_AND_REVOKE, "Revoke “tablet”")
    await expect(page.locator("#announcer")).to_have_text("“tablet” is revoked.")


async def test_an_error_is_shown_and_the_name_stays(
    page: Page, watch: Watch, stack: Stack, reader: str
) -> None:
    await open_keys(page, stack, reader)
    await page.route("**/api-keys/", lambda route: route.abort())
    await page.get_by_label("Name").fill("laptop")
    await page.get_by_label("Name").press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("Try again in a moment")
    await expect(page.get_by_label("Name")).to_have_value("laptop")
    await expect(page.get_by_role("button", name="Make a key")).to_be_enabled()
    watch.errors = [error for error in watch.errors if "ERR_FAILED" not in error]


async def test_it_fits_a_phone_and_has_no_serious_issue(browser: Browser, stack: Stack, reader: str) -> None:
    page = await page_for_axe(browser)
    await page.set_viewport_size(NARROW)  # type: ignore[arg-type]  # a plain dict is a size
    await open_keys(page, stack, reader)
    assert await page.evaluate(BEYOND) == []
    await make(page, LONG)
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        assert await page.evaluate(BEYOND) == []
        assert await findings(page) == []
    await page.get_by_role("button", name=f"Revoke “{LONG}”").click()
    assert await findings(page) == []
    assert await page.evaluate(BEYOND) == []
    await page.emulate_media(forced_colors="active")
    await expect(page.get_by_role("dialog").get_by_role("button", name="Revoke")).to_be_visible()
