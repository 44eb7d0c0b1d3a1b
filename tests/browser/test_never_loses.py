"""Nothing is lost and nothing comes twice: reloads, no network, sleep, two windows, a killed worker."""

import random
import re
from collections.abc import Awaitable, Callable

from playwright.async_api import Browser, Error, Page, WebSocketRoute, expect

from chat.protocol.errors import MOVING
from tests.browser.visitor import ask, ask_here, beside, open_page, row, whole
from tests.harness.stack import Stack
from tests.harness.upstream import text_of
from tests.harness.waiting import await_until

LONG = "[words-150+hold-after-140@20] Count"
HELD, HELD_ONCE = "[words-40+hold-after-10] Count", "[words-40+hold-after-10+times-1] Count"
BEGUN, LAST = "w8 ", "w39"  # the parser may hold the last letter back: it may begin a construct
QUICK = text_of("fast")
OFFLINE_SECS = 10  # by then the page has tried to reconnect several times
OPEN_SECS = 20  # a socket, on a busy machine


async def reload_now(page: Page) -> None:
    """Reload, whatever the page is doing: the browser refuses while one document takes another's place."""

    async def is_reloading() -> bool:
        try:
            await page.reload(wait_until="commit")
        except Error as error:
            if "Not attached to an active page" not in error.message:
                raise
            return False
        return True

    await await_until(is_reloading, 20, "the page reloads")


async def test_twenty_reloads_at_random_moments_of_one_answer_lose_nothing(page: Page, stack: Stack) -> None:
    await open_page(page, stack)
    turn = await ask_here(page, LONG)
    await expect(turn.locator(".output")).to_contain_text("w1 ")
    response_id = await turn.get_attribute("data-response-id") or ""
    words = 1  # known to be there; some reloads come while the page is still loading
    for sees_text in random.sample([True] * 8 + [False] * 12, 20):
        if sees_text:
            words += random.randint(1, 8)
            await expect(turn.locator(".output")).to_contain_text(f"w{words} ")
            assert text_of(LONG).startswith((await turn.locator(".output").text_content() or "").strip())
        assert stack.row(response_id)["ended_at"] is None
        await reload_now(page)
    stack.upstream.release(LONG)
    await whole(turn, text_of(LONG))
    await expect(page.locator("article.turn")).to_have_count(1)


async def test_what_is_written_in_ten_seconds_without_a_network_comes_with_it(
    page: Page, stack: Stack
) -> None:
    await page.clock.install()
    turn = await ask(page, stack, HELD)
    output = turn.locator(".output")
    await expect(output).to_contain_text(BEGUN)
    await page.context.set_offline(True)
    connection = page.locator("#connection")
    await expect(connection).to_have_attribute("data-state", "offline")
    await expect(connection.locator(".words")).to_have_text("You are offline.")
    stack.upstream.release(HELD)
    assert stack.settled(await turn.get_attribute("data-response-id") or "")["status"] == "completed"

    await page.clock.run_for(OFFLINE_SECS * 1000)
    await expect(connection).to_have_attribute("data-state", "offline")
    await expect(output).not_to_contain_text(LAST)
    await page.context.set_offline(False)
    await expect(connection).to_have_attribute("data-state", "open")
    await whole(turn, text_of(HELD))


async def test_two_devices_show_the_same_text_live_from_either_side(
    page: Page, browser: Browser, stack: Stack
) -> None:
    await open_page(page, stack)
    await whole(await ask_here(page, "First"), QUICK)
    device = await browser.new_context(storage_state=await page.context.storage_state())
    other = await beside(device, page.url)
    for asking, watching, label in ((page, other, "From here"), (other, page, "From there")):
        question = f"[words-40+hold-after-10] {label}"
        asked = await ask_here(asking, question)
        watched = watching.locator("article.turn", has=watching.locator(".input", has_text=question))
        await expect(watched.locator(".output")).to_contain_text(BEGUN)
        stack.upstream.release(question)
        await whole(asked, text_of(question))
        await whole(watched, text_of(question))
    texts = [await each.locator(".input, .output").all_text_contents() for each in (page, other)]
    assert texts[0] == texts[1]
    for each in (page, other):
        await expect(each.locator("article.turn")).to_have_count(3)


async def test_a_killed_worker_costs_seconds_and_no_text(page: Page, stack: Stack) -> None:
    turn = await ask(page, stack, HELD_ONCE)
    await expect(turn.locator(".output")).to_contain_text(BEGUN)
    worker = stack.holder(await turn.get_attribute("data-response-id") or "")
    stack.processes[worker].kill()
    await whole(turn, text_of(HELD_ONCE))
    stack.start_worker(worker)
    stack.wait_for_workers(2)


async def test_a_message_sent_while_offline_is_kept_over_a_restart_and_arrives_once(
    page: Page, browser: Browser, stack: Stack
) -> None:
    await open_page(page, stack)
    await whole(await ask_here(page, "First"), QUICK)
    rows = stack.count_rows()
    await page.context.set_offline(True)
    await expect(page.locator("#connection")).to_have_attribute("data-state", "offline")
    waiting = await ask_here(page, "Sent offline")
    await expect(waiting.locator(".input")).to_have_text("Sent offline")
    await expect(page.locator("#connection .words")).to_contain_text("Your message is kept")
    restarted = await browser.new_context(storage_state=await page.context.storage_state())
    windows = [await beside(restarted, page.url) for _ in (1, 2)]
    await page.context.set_offline(False)
    for window in (*windows, page):
        await expect(window.locator("article.turn")).to_have_count(2)
        await whole(window.locator("article.turn").nth(1), QUICK)
    assert stack.count_rows() == rows + 1
    assert await page.evaluate("Object.keys(localStorage).filter(key => key.includes('outbox'))") == []


async def test_a_first_message_sent_while_offline_is_listed_and_outlives_its_page(
    page: Page, stack: Stack
) -> None:
    await open_page(page, stack)
    rows = stack.count_rows()
    await page.context.set_offline(True)
    await ask_here(page, "Nobody heard this yet")
    entry = page.locator(".entry", has_text="Nobody heard this yet")
    await expect(entry).to_have_attribute("data-mark", "waiting")
    await page.locator("#create").click()
    await expect(page.locator("#welcome")).to_be_visible()
    await entry.locator("a").click()
    await expect(page.locator(".input")).to_have_text("Nobody heard this yet")
    context = page.context
    await page.close()
    await context.set_offline(False)
    later = await beside(context, stack.url)
    await whole(later.locator("article.turn"), QUICK)
    await expect(later).to_have_url(re.compile("/conversations/"))
    await expect(later.locator(".entry")).to_have_count(1)
    assert stack.count_rows() == rows + 1


async def test_a_restart_of_the_server_costs_neither_an_answer_nor_a_message(
    page: Page, stack: Stack
) -> None:
    running = await ask(page, stack, HELD)
    await expect(running.locator(".output")).to_contain_text(BEGUN)
    rows = stack.count_rows()
    stack.processes["web"].stop()
    words = page.locator("#connection .words")
    await expect(page.locator("#connection")).to_have_attribute("data-state", "reconnecting")
    await expect(running.locator(".state")).to_have_text(
        "Connection lost. The answer continues and will appear here."
    )
    await page.locator("#create").click()
    turn = await ask_here(page, "Anybody there?")
    await expect(words).to_have_text(re.compile(r"Reconnecting(…| in \d+ s): your message is kept"))
    stack.upstream.release(HELD)
    stack.start_web()
    await whole(turn, QUICK)
    await expect(words).to_have_css("position", "absolute")  # all is well: the mark says it
    await row(page, HELD).locator("a").click()
    await expect(page.locator(".input")).to_have_text(HELD)
    await whole(page.locator("article.turn"), text_of(HELD))
    assert stack.count_rows() == rows + 1


async def test_what_is_asked_again_or_edited_while_offline_arrives_once_in_its_place(
    page: Page, stack: Stack
) -> None:
    turn = await ask(page, stack, "First")
    await whole(turn, QUICK)
    context, url = page.context, page.url
    rows = stack.count_rows()
    for version, action in enumerate((regenerate, edit), start=2):
        await context.set_offline(True)
        await expect(page.locator("#connection")).to_have_attribute("data-state", "offline")
        await action(page)
        await expect(page.locator("#connection .words")).to_contain_text("Your message is kept")
        await page.close()
        await context.set_offline(False)
        page = await beside(context, url)
        turn = page.locator("article.turn")
        await expect(turn.locator(".branches:visible .place")).to_have_text(f"{version}/{version}")
        await whole(turn, QUICK)
        assert stack.count_rows() == rows + version - 1
    await expect(turn.locator(".input")).to_have_text("Second")


async def regenerate(page: Page) -> None:
    await page.get_by_role("button", name="Regenerate").click()


async def edit(page: Page) -> None:
    await page.get_by_role("button", name="Edit").click()
    await page.keyboard.press("ControlOrMeta+a")
    await page.keyboard.type("Second")
    await page.keyboard.press("Enter")


async def test_after_a_sleep_the_page_takes_a_new_socket_and_has_the_whole_answer(
    page: Page, stack: Stack
) -> None:
    sockets: list[str] = []

    def have_been(count: int) -> Callable[[], Awaitable[bool]]:
        async def have_so_many() -> bool:
            return len(sockets) == count

        return have_so_many

    await page.clock.install()
    page.on("websocket", lambda socket: sockets.append(socket.url))
    await open_page(page, stack)
    turn = await ask_here(page, HELD)
    await expect(turn.locator(".output")).to_contain_text(BEGUN)
    assert len(sockets) == 1
    await page.clock.fast_forward("10:00")
    await await_until(have_been(2), OPEN_SECS, "another socket")
    stack.upstream.release(HELD)
    await whole(turn, text_of(HELD))
    assert len(sockets) == 2
    # nothing runs that could be missed, but the socket is no better for it
    await page.clock.fast_forward("10:00")
    await await_until(have_been(3), OPEN_SECS, "another socket")
    await expect(page.locator("#connection")).to_have_attribute("data-state", "open")


RECORD_STATES = """() => {
  const line = document.querySelector("#connection");
  globalThis.states = [];
  const record = () => states.push(line.dataset.state);
  new MutationObserver(record).observe(line, { attributeFilter: ["data-state"] });
}"""


async def test_a_server_that_stops_moves_the_page_and_nothing_is_reported(page: Page, stack: Stack) -> None:
    sockets: list[WebSocketRoute] = []

    def pass_on(socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        sockets.append(socket)

    await page.route_web_socket("**/ws/**", pass_on)
    turn = await ask(page, stack, HELD)
    await expect(turn.locator(".output")).to_contain_text(BEGUN)
    await page.evaluate(RECORD_STATES)
    await sockets[0].close(code=MOVING)
    await await_until(lambda: len(sockets) > 1, OPEN_SECS, "the page returns")
    await expect(page.locator("#connection")).to_have_attribute("data-state", "open")
    assert set(await page.evaluate("states")) <= {"connecting", "open"}
    stack.upstream.release(HELD)
    await whole(turn, text_of(HELD))
