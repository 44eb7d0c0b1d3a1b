"""The list of conversations in a real browser: many at once, named, found, deleted, restored."""

from playwright.async_api import Page, Request, expect

from tests.browser.conftest import in_session
from tests.browser.visitor import (
    ask_here,
    become_guest,
    beside,
    choose,
    ended,
    open_page,
    refuse_socket,
    row,
    stop_clock,
)
from tests.harness.stack import Stack
from tests.harness.upstream import text_of

ONE_HELD, OTHER_HELD = "[words-40+hold-after-10] one", "[words-80+hold-after-10] other"
RIVERS, HILLS = "Rivers", "[words-30] Hills"


@in_session()
async def home(page: Page, stack: Stack) -> Page:
    """The page of a new guest, connected."""
    await become_guest(page, stack)
    await open_page(page, stack)
    return page


async def test_answers_in_several_conversations_go_on_at_once_and_are_marked(
    home: Page, stack: Stack
) -> None:
    first = await ask_here(home, ONE_HELD)
    await expect(first.locator(".output")).to_contain_text("w2")
    first_url = home.url
    await home.locator("#create").click()
    await expect(home.locator("#welcome")).to_be_visible()
    await expect(row(home, ONE_HELD)).to_have_attribute("data-mark", "running")
    second = await ask_here(home, OTHER_HELD)  # it runs on while the first one is read
    await expect(second.locator(".output")).to_contain_text("w2")
    await expect(row(home, OTHER_HELD).locator("a")).to_have_attribute("aria-current", "page")
    stack.upstream.release(ONE_HELD)
    await expect(row(home, ONE_HELD)).to_have_attribute("data-mark", "unread")
    await expect(row(home, ONE_HELD).locator("a")).to_have_text(f"{ONE_HELD}, has a new answer")
    await row(home, ONE_HELD).locator("a").click()
    await expect(home).to_have_url(first_url)
    await expect(home.locator(".output")).to_have_text(text_of(ONE_HELD))
    await expect(row(home, ONE_HELD)).to_have_attribute("data-mark", "")
    await expect(row(home, OTHER_HELD)).to_have_attribute("data-mark", "running")
    stack.upstream.release(OTHER_HELD)
    await expect(row(home, OTHER_HELD)).to_have_attribute("data-mark", "unread")
    await home.reload()
    await expect(row(home, ONE_HELD)).to_have_attribute("data-mark", "")
    await expect(row(home, OTHER_HELD)).to_have_attribute("data-mark", "unread")


async def test_back_and_forward_load_no_page_and_need_no_socket(home: Page) -> None:
    for question in ("One", "Two"):
        await home.locator("#create").click()
        await ended(await ask_here(home, question))
    await refuse_socket(home)
    await home.reload()
    await expect(home.locator("#connection")).to_have_attribute("data-state", "reconnecting")
    requests: list[Request] = []
    home.on("request", lambda request: requests.append(request))
    await row(home, "One").locator("a").click()
    await expect(home.locator(".input")).to_have_text("One")
    one = home.url
    await home.go_back()
    await expect(home.locator(".input")).to_have_text("Two")
    await expect(home).to_have_title("Two · Tailrace")
    await home.go_forward()
    await expect(home.locator(".input")).to_have_text("One")
    await expect(home).to_have_url(one)
    await expect(home.locator("#connection")).to_have_attribute("data-state", "reconnecting")
    assert [request.url for request in requests if request.is_navigation_request()] == []


async def test_a_conversation_is_renamed_in_its_row(home: Page) -> None:
    await ended(await ask_here(home, "Clumsy words"))
    link = row(home, "Clumsy words").locator("a")
    await link.focus()
    await home.keyboard.press("F2")
    await home.keyboard.type("Never mind")
    await home.keyboard.press("Escape")
    await expect(link).to_have_text("Clumsy words")
    await expect(link).to_be_focused()
    await home.keyboard.press("F2")
    await home.keyboard.type("Tides")
    async with home.expect_response(lambda reply: reply.request.method == "PATCH"):  # a reload would stop it
        await home.keyboard.press("Enter")
    await expect(row(home, "Tides").locator("a")).to_be_focused()
    await expect(home.locator("#title")).to_have_text("Tides")
    await home.reload()
    await expect(row(home, "Tides")).to_be_visible()
    await expect(home).to_have_title("Tides · Tailrace")


async def test_a_deletion_is_undone_by_keyboard(home: Page) -> None:
    await ended(await ask_here(home, "Precious"))
    url = home.url
    await row(home, "Precious").locator("a").focus()
    await home.keyboard.press("Delete")
    await expect(row(home, "Precious")).to_have_count(0)
    await expect(home.locator("#welcome")).to_be_visible()
    undo = home.get_by_role("button", name="Undo")
    await expect(undo).to_be_focused()
    await home.keyboard.press("Enter")
    await expect(row(home, "Precious").locator("a")).to_be_focused()
    await expect(home).to_have_url(url)
    await expect(home.locator(".output")).to_have_text(text_of("fast"))
    await home.reload()
    await expect(row(home, "Precious")).to_be_visible()


async def test_what_is_deleted_stays_so_when_the_toast_is_gone(home: Page) -> None:
    await ended(await ask_here(home, "Superfluous"))
    await stop_clock(home)  # a busy machine may take eight seconds
    await choose(home, "Superfluous", "Delete")
    toast = home.locator("#toast")
    await expect(toast).to_be_visible()
    await home.clock.run_for(7_500)
    await expect(toast).to_be_visible()
    await home.clock.run_for(1_000)
    await expect(toast).to_be_hidden()
    await home.reload()
    await expect(home.locator("#none")).to_be_visible()


async def test_a_menu_acts_on_its_row_and_gives_the_focus_back(home: Page) -> None:
    await ended(await ask_here(home, "Rivers"))
    link, menu = row(home, "Rivers").locator("a"), home.get_by_role("menu")
    more = row(home, "Rivers").get_by_role("button", name="Actions for “Rivers”")
    await link.hover()
    await more.click()
    await expect(menu).to_be_visible()
    await expect(more).to_have_attribute("aria-expanded", "true")
    await more.click()
    await expect(menu).to_be_hidden()
    await more.click()
    await home.locator("#message").click()
    await expect(menu).to_be_hidden()
    await expect(home.locator("#message")).to_be_focused()
    await link.focus()
    await home.keyboard.press("ArrowRight")
    await expect(more).to_be_focused()
    await home.keyboard.press("Enter")
    await expect(menu.get_by_role("menuitem").first).to_be_focused()
    await home.keyboard.press("ArrowUp")
    await expect(menu.get_by_role("menuitem", name="Delete")).to_be_focused()
    await home.keyboard.press("Escape")
    await expect(menu).to_be_hidden()
    await expect(more).to_be_focused()
    await expect(more).to_have_attribute("aria-expanded", "false")
    await home.keyboard.press("ArrowLeft")
    await expect(link).to_be_focused()
    await home.keyboard.press("Shift+F10")
    await menu.get_by_role("menuitem", name="Rename").press("Space")
    await expect(home.get_by_role("textbox", name="Title")).to_be_focused()


async def test_a_pinned_conversation_stays_first_in_every_window(home: Page) -> None:
    for question in ("Older", "Newer"):
        await home.locator("#create").click()
        await ended(await ask_here(home, question))
    other = await beside(home.context, home.url)
    await row(home, "Older").locator("a").focus()
    await home.keyboard.press("Shift+F10")
    await home.get_by_role("menuitem", name="Pin").press("Enter")
    for page in (home, other):
        await expect(page.locator(".entry .title")).to_have_text(["Older", "Newer"])
        await expect(page.locator(".day")).to_have_text(["Pinned", "Today"])
    await home.reload()
    await expect(home.locator(".entry .title")).to_have_text(["Older", "Newer"])
    await choose(other, "Older", "Unpin")
    await expect(home.locator(".entry .title")).to_have_text(["Newer", "Older"])


async def test_all_are_deleted_after_a_question_with_their_number(home: Page) -> None:
    for question in ("One", "Two"):
        await home.locator("#create").click()
        await ended(await ask_here(home, question))
    await home.get_by_role("button", name="Delete all").click()
    dialog = home.get_by_role("dialog", name="Delete 2 conversations?")
    await expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    await expect(dialog).to_contain_text("after 30 days")
    await home.keyboard.press("Enter")
    await expect(dialog).to_be_hidden()
    await expect(home.locator(".entry")).to_have_count(2)
    await home.get_by_role("button", name="Delete all").click()
    await dialog.get_by_role("button", name="Delete 2 conversations").click()
    await expect(home.locator(".entry")).to_have_count(0)
    await expect(home.locator("#welcome")).to_be_visible()
    await expect(home.locator("#announcer")).to_have_text("2 conversations deleted.")
    await expect(home.locator("#toast")).to_be_hidden()  # it is for deletions of other windows


async def test_arrow_keys_move_in_the_list_which_is_one_tab_stop(home: Page) -> None:
    for question in ("One", "Two", "Three"):
        await home.locator("#create").click()
        await ended(await ask_here(home, question))
    await home.locator("#search").focus()
    await home.keyboard.press("Tab")
    await expect(row(home, "Three").locator("a")).to_be_focused()
    await home.keyboard.press("ArrowDown")
    await expect(row(home, "Two").locator("a")).to_be_focused()
    await home.keyboard.press("End")
    await expect(row(home, "One").locator("a")).to_be_focused()
    await home.keyboard.press("ArrowUp")
    await home.keyboard.press("Tab")
    assert not await home.evaluate("document.querySelector('.list').contains(document.activeElement)")
    await home.keyboard.press("Shift+Tab")
    await expect(row(home, "Two").locator("a")).to_be_focused()
    await home.keyboard.press("Home")
    await home.keyboard.press("Enter")
    await expect(home.locator(".input")).to_have_text("Three")


async def test_a_search_finds_words_of_an_answer_and_of_a_title(home: Page) -> None:
    for question in (RIVERS, HILLS):
        await home.locator("#create").click()
        await ended(await ask_here(home, question))
    await home.locator("#message").blur()
    await home.keyboard.press("/")
    await expect(home.locator("#search")).to_be_focused()
    await home.keyboard.type("w29")
    await expect(row(home, RIVERS)).to_have_count(0)
    await expect(row(home, HILLS)).to_be_visible()
    await home.locator("#search").fill("rivers")
    await expect(row(home, RIVERS)).to_be_visible()
    await home.locator("#search").fill("nowhere to be found")
    await expect(home.locator("#none")).to_have_text("Nothing found.")
    await home.keyboard.press("Escape")
    await expect(home.locator(".entry")).to_have_count(2)


async def test_a_search_changes_neither_heading_nor_title(home: Page) -> None:
    await ended(await ask_here(home, "Clumsy words"))
    await expect(home.locator("#title")).to_have_class("visually-hidden")  # the question stands below
    await row(home, "Clumsy words").locator("a").focus()
    await home.keyboard.press("F2")
    await home.keyboard.type("Tides")
    await home.keyboard.press("Enter")
    await expect(home.locator("#title")).to_have_text("Tides")
    await expect(home.locator("#title")).not_to_have_class("visually-hidden")
    await home.locator("#search").fill("nowhere to be found")
    await expect(home.locator("#none")).to_be_visible()
    await expect(home).to_have_title("Tides · Tailrace")
    await expect(home.locator("#title")).to_have_text("Tides")


async def test_the_page_of_an_old_conversation_has_its_title(home: Page, stack: Stack) -> None:
    await ended(await ask_here(home, "Old words"))
    owner = await home.locator("body").get_attribute("data-owner")
    later = "Conversation.objects.filter(owner_id={0}).update(title='Tides')\n"
    made = "for n in range(55): Conversation.objects.create(owner_id={0}, title=f'Number {{n}}')"
    code = f"from chat.models import *\n{later}{made}".format(owner)
    stack.run("manage.py", "shell", "-v0", "-c", code)
    await home.reload()
    await expect(row(home, "Tides")).to_have_count(0)
    await expect(home).to_have_title("Tides · Tailrace")


async def test_older_conversations_come_when_the_end_of_the_list_is_near(home: Page, stack: Stack) -> None:
    owner = await home.locator("body").get_attribute("data-owner")
    made = f"Conversation.objects.create(owner_id={owner}, title=f'Number {{n}}')"
    stack.run("manage.py", "shell", "-v0", "-c", f"from chat.models import *\nfor n in range(60): {made}")
    await home.reload()
    await expect(home.locator(".entry")).to_have_count(50)
    await home.locator(".entry").last.scroll_into_view_if_needed()
    await expect(home.locator(".entry")).to_have_count(60)
    await expect(home.locator(".entry .title").last).to_have_text("Number 0")


async def test_two_windows_show_the_same_list(home: Page) -> None:
    await ended(await ask_here(home, "Shared"))
    other = await beside(home.context, home.url)
    await row(other, "Shared").locator("a").focus()
    await other.keyboard.press("F2")
    await other.keyboard.type("Renamed there")
    await other.keyboard.press("Enter")
    await expect(row(home, "Renamed there")).to_be_visible()
    await row(other, "Renamed there").locator("a").focus()
    await stop_clock(home)
    await other.keyboard.press("Delete")
    await expect(home.locator("#toast p")).to_have_text("Deleted in another window.")
    await home.get_by_role("button", name="Undo").focus()  # this keeps it
    await home.clock.resume()
    await expect(home.locator("#welcome")).to_be_visible()
    await home.get_by_role("button", name="Undo").click()
    await expect(row(other, "Renamed there")).to_be_visible()
    await expect(home.locator(".input")).to_have_text("Shared")


async def test_the_theme_is_chosen_and_there_from_the_first_paint(home: Page, stack: Stack) -> None:
    dark = "getComputedStyle(document.body).backgroundColor"
    before = await home.evaluate(dark)
    await home.locator("#theme [value=dark]").focus()
    await home.keyboard.press("Space")
    assert await home.evaluate(dark) != before
    html = await (await home.request.get(stack.url)).text()
    assert 'data-theme="dark"' in html
    await home.emulate_media(color_scheme="dark")
    await home.get_by_role("radio", name="Light").check(force=True)
    assert await home.evaluate(dark) == before


async def test_on_a_phone_the_list_is_a_drawer_that_keeps_the_focus(page: Page, stack: Stack) -> None:
    await page.set_viewport_size({"width": 320, "height": 640})
    await open_page(page, stack)
    await expect(page.locator("#welcome h1")).to_be_in_viewport(ratio=1)
    await ended(await ask_here(page, "A question that is much longer than any phone is wide, really"))
    assert await page.evaluate("document.documentElement.scrollWidth") == 320
    await expect(page.locator("#sidebar")).to_be_hidden()
    await page.locator("#create-here").click()
    await expect(page.locator("#welcome")).to_be_visible()
    await page.locator("#sidebar-toggle").click()
    await expect(page.locator("#sidebar")).to_be_visible()
    assert await page.evaluate("document.querySelector('#sidebar').contains(document.activeElement)")
    assert await page.evaluate("document.querySelector('main').inert")
    await page.keyboard.press("Escape")
    await expect(page.locator("#sidebar")).to_be_hidden()
    await expect(page.locator("#sidebar-toggle")).to_be_focused()


async def test_on_a_phone_the_drawer_does_not_cover_undo(page: Page, stack: Stack) -> None:
    await page.set_viewport_size({"width": 320, "height": 640})
    await open_page(page, stack)
    await ended(await ask_here(page, "Precious"))
    await page.locator("#sidebar-toggle").click()
    await stop_clock(page)  # the toast stays
    await choose(page, "Precious", "Delete")
    await page.get_by_role("button", name="Undo").click()
    await page.clock.resume()
    await expect(page.locator(".input")).to_have_text("Precious")
