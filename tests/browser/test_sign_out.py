"""A sign-out leaves nothing in the browser: no text, and no message sent as another user."""

import re

from playwright.async_api import Page, WebSocketRoute, expect

from tests.browser.visitor import ask_here, ended, refuse_socket
from tests.browser.watch import Watch
from tests.harness.stack import Stack

PASSWORD = "correct horse battery"
MAKE_READER = "from django.contrib.auth.models import User; User.objects.create_user('{}', password='{}')"
AT_WORK = re.compile("open|reconnecting")  # before that, the page's script takes no message
KEPT = "Object.values(localStorage).join()"


def make_reader(stack: Stack, name: str) -> None:
    stack.run("manage.py", "shell", "-v0", "-c", MAKE_READER.format(name, PASSWORD))


async def sign_in(page: Page, stack: Stack, name: str) -> None:
    await page.goto(f"{stack.url}/accounts/login/")
    await page.get_by_label("Username").fill(name)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.locator("#connection")).to_have_attribute("data-state", AT_WORK)


async def test_what_was_kept_for_a_reader_is_gone_after_the_sign_out(page: Page, stack: Stack) -> None:
    make_reader(stack, "reader")
    await refuse_socket(page)
    await sign_in(page, stack, "reader")
    await ask_here(page, "A secret question")
    await page.locator("#create").click()
    await page.locator("#message").fill("a secret draft")
    kept = await page.evaluate(KEPT)
    assert "A secret question" in kept
    assert "a secret draft" in kept
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("button", name="Sign out")).to_have_count(0)
    assert "secret" not in await page.evaluate(KEPT)
    later = await page.context.new_page()
    await sign_in(later, stack, "reader")
    await expect(later.locator("#connection")).to_have_attribute("data-state", "open")
    await expect(later.locator("#message")).to_have_value("")
    await expect(later.locator("article.turn")).to_have_count(0)


async def test_what_waits_in_a_tab_is_not_sent_as_who_signs_in_in_another(
    page: Page, stack: Stack, watch: Watch
) -> None:
    for name in ("first", "second"):
        make_reader(stack, name)
    network = False

    async def serve(route: WebSocketRoute) -> None:
        if network:
            route.connect_to_server()
        else:
            await route.close()

    await page.context.route_web_socket("**/ws/**", serve)
    await sign_in(page, stack, "first")
    await ask_here(page, "Mine alone")
    rows = stack.count_rows()
    other = await page.context.new_page()
    await other.goto(stack.url)
    await other.get_by_role("button", name="Sign out").click()
    await expect(other.get_by_role("button", name="Sign out")).to_have_count(0)
    await sign_in(other, stack, "second")
    network = True
    connection = page.locator("#connection")
    await page.evaluate("dispatchEvent(new Event('online'))")  # it need not wait for its next attempt
    await expect(connection).to_have_attribute("data-state", "signed-out")
    await expect(connection.get_by_role("link", name="Sign in")).to_be_visible()
    await expect(page.locator("#send")).to_be_disabled()
    await ended(await ask_here(other, "Theirs"))
    assert stack.count_rows() == rows + 1
    await expect(other.locator(".entry")).to_have_count(1)
    # the route above may forward to a socket that the server has just closed; the page itself does not
    watch.errors[:] = [text for text in watch.errors if "CLOSING or CLOSED" not in text]
