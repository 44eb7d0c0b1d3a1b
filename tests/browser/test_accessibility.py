"""axe-core finds nothing serious on any screen, light and dark."""

from collections.abc import Awaitable, Callable
from typing import Any

from playwright.async_api import Browser, FilePayload, Page, expect

from chat.protocol.commands import MAX_INPUT_CHARS
from tests.browser.axe import findings, page_for_axe
from tests.browser.conftest import in_session
from tests.browser.test_long_questions import PASTE
from tests.browser.visitor import ask, ended, open_page, refuse_socket
from tests.harness.pictures import png
from tests.harness.stack import Stack

OF_COLOURS = ("color-contrast", "link-in-text-block")  # the others see no colours
HELD = "[words-20+hold-after-5] held"

Screen = Callable[[Page, Stack], Awaitable[Any]]


async def attached(page: Page, stack: Stack) -> None:
    """A message with a picture and a text."""
    await page.locator("#model").select_option("scripted-vision")
    picture = FilePayload(name="depths.png", mimeType="image/png", buffer=png(40))
    text = FilePayload(name="depths.txt", mimeType="text/plain", buffer=b"Two metres.")
    await page.locator("#files").set_input_files([picture, text])
    await expect(page.locator('.file-chip[data-state="uploaded"]')).to_have_count(2)


async def pictures(page: Page, stack: Stack) -> None:
    """The question with these files."""
    await page.locator("#send").click()
    await ended(page.locator("article.turn"))


async def answer(page: Page, stack: Stack) -> None:
    """Everything that Markdown has."""
    await ended(await ask(page, stack, "[article-300]"))


async def streaming(page: Page, stack: Stack) -> None:
    """An answer that is being written, after its reasoning."""
    turn = await ask(page, stack, "[reasoning-20+article-100@20]")
    await expect(turn.locator(".output")).to_contain_text("water mill")


async def queued(page: Page, stack: Stack) -> None:
    """A message that waits for the end of an answer, and one that is edited."""
    await expect((await ask(page, stack, HELD)).locator(".output")).to_contain_text("w3 ")
    for message in ("next", "last"):
        await page.locator("#message").fill(message)
        await page.locator("#message").press("Enter")
    await page.locator(".queued-message").last.get_by_role("button", name="Edit").click()
    await expect(page.get_by_role("textbox", name="Edit your message")).to_be_focused()


async def thoughts(page: Page, stack: Stack) -> None:
    """The reasoning of that answer, unfolded."""
    turn = page.locator("article.turn")
    await turn.locator(".thoughts summary").click()
    await expect(turn.locator(".reasoning")).to_be_visible()


async def failure(page: Page, stack: Stack) -> None:
    """An answer that broke off."""
    await ended(await ask(page, stack, "[cut-after-5]"), "failed")


async def branches(page: Page, stack: Stack) -> None:
    """That answer, and another one beside it."""
    await page.get_by_role("button", name="Retry").click()
    await expect(page.locator(".branches:visible .place")).to_have_text("2/2")
    await ended(page.locator("article.turn"), "failed")


async def editing(page: Page, stack: Stack) -> None:
    """Its question while it is edited, and a message that is too long."""
    await page.get_by_role("button", name="Edit").click()
    await expect(page.get_by_role("textbox", name="Edit your message")).to_be_focused()
    await page.locator("#message").fill("a" * (MAX_INPUT_CHARS + 1))
    await expect(page.locator("#count")).to_have_text("1 characters too many")


async def renaming(page: Page, stack: Stack) -> None:
    """A title in the list while it is changed."""
    await page.locator(".entry a").last.press("F2")
    await expect(page.get_by_role("textbox", name="Title")).to_be_focused()
    await expect(page.locator(".entry")).to_have_count(5)


async def row_menu(page: Page, stack: Stack) -> None:
    """The menu of a row, opened by keyboard."""
    await page.keyboard.press("Escape")
    await page.locator(".entry a").last.press("Shift+F10")
    await expect(page.get_by_role("menuitem").first).to_be_focused()


async def shortcuts(page: Page, stack: Stack) -> None:
    """The sheet of the keys."""
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Shortcuts").click()
    await expect(page.get_by_role("dialog")).to_be_visible()


async def deleted(page: Page, stack: Stack) -> None:
    """The toast that takes a deletion back."""
    await page.keyboard.press("Escape")
    await page.locator(".entry a").last.press("Delete")
    await expect(page.get_by_role("button", name="Undo")).to_be_focused()


async def results(page: Page, stack: Stack) -> None:
    """Search results with their excerpts."""
    await page.locator("#search").fill("water")
    await expect(page.locator(".excerpt mark").first).to_be_visible()


async def delete_all(page: Page, stack: Stack) -> None:
    """The question before everything is deleted."""
    await page.get_by_role("button", name="Delete all").click()
    await expect(page.get_by_role("dialog", name="Delete")).to_be_visible()


async def drawer(page: Page, stack: Stack) -> None:
    """The list on a phone, over the conversation."""
    await page.keyboard.press("Escape")
    await page.set_viewport_size({"width": 320, "height": 640})
    await page.locator("#sidebar-toggle").click()
    await expect(page.locator("#sidebar")).to_be_in_viewport()


async def without_socket(page: Page, stack: Stack) -> None:
    """An old answer on a page that cannot connect, on a phone."""
    await refuse_socket(page)
    await page.reload()
    await expect(page.locator("#connection")).to_have_attribute("data-state", "reconnecting")


async def panel(page: Page, stack: Stack) -> None:
    """The settings, changed, with a wrong one."""
    await open_page(page, stack)
    await page.get_by_role("button", name="Settings of the answer").click()
    await page.get_by_label("Instructions").fill("Be brief.")
    await page.get_by_label("Temperature").fill("3")
    await expect(page.get_by_role("dialog").get_by_role("status")).to_contain_text("Temperature: ")


async def long(page: Page, stack: Stack) -> None:
    """A long question, folded, and a long pasted text beside the box."""
    lines = "a line\n" * 200
    await ended(await ask(page, stack, f"[words-3]\n{lines}"))
    await page.locator("#message").focus()
    await page.evaluate(PASTE, lines)
    await expect(page.locator("#pasted .file-chip")).to_be_visible()


def at(path: str) -> Screen:
    """A separate page."""

    async def go(page: Page, stack: Stack) -> None:
        await page.goto(stack.url + path)

    return go


SCREENS: dict[str, Screen] = {  # in this order: some continue where the previous one stopped
    "empty": open_page,
    "attached": attached,
    "pictures": pictures,
    "answer": answer,
    "streaming": streaming,
    "thoughts": thoughts,
    "queued": queued,
    "failure": failure,
    "branches": branches,
    "editing": editing,
    "renaming": renaming,
    "row menu": row_menu,
    "shortcuts": shortcuts,
    "deleted": deleted,
    "results": results,
    "delete all": delete_all,
    "panel": panel,
    "long": long,
    "drawer": drawer,
    "without socket": without_socket,
    "login": at("/accounts/login/"),
    "minimal": at("/minimal/"),
    "404": at("/nowhere/"),
}


@in_session()
async def page(browser: Browser) -> Page:
    """A page in which axe can run."""
    return await page_for_axe(browser)


async def test_no_screen_has_a_serious_issue(page: Page, stack: Stack) -> None:
    found = {}
    for name, show in SCREENS.items():
        await page.emulate_media(color_scheme="light")
        await show(page, stack)
        found[f"{name}, light"] = await findings(page)
        await page.emulate_media(color_scheme="dark")
        found[f"{name}, dark"] = await findings(page, *OF_COLOURS)
    assert {name: each for name, each in found.items() if each} == {}


async def test_axe_finds_what_is_planted(page: Page, stack: Stack) -> None:
    await open_page(page, stack)
    await page.evaluate("document.querySelector('main').append(document.createElement('button'))")
    await page.evaluate("document.querySelector('main p, main h2').style.color = 'silver'")
    assert {each.split()[0] for each in await findings(page)} >= {"button-name", "color-contrast"}
    assert {each.split()[0] for each in await findings(page, *OF_COLOURS)} == {"color-contrast"}
