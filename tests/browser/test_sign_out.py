"""Who signs out leaves nothing in the browser: not what was written, not what waited to be sent."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.visitor import ask_here, refuse_socket
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

NAME, PASSWORD = "reader", "correct horse battery"
MAKE_READER = (
    f"from django.contrib.auth.models import User; User.objects.create_user('{NAME}', password='{PASSWORD}')"
)
KEPT = "Object.values(localStorage).join()"


async def sign_in(page: Page, stack: Stack) -> None:
    await page.goto(f"{stack.url}/accounts/login/")
    await page.get_by_label("Username").fill(NAME)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.locator("#composer")).to_be_visible()


async def test_what_was_kept_for_a_reader_is_gone_after_the_sign_out(page: Page, stack: Stack) -> None:
    stack.run("manage.py", "shell", "-v0", "-c", MAKE_READER)
    await refuse_socket(page)
    await sign_in(page, stack)
    await ask_here(page, "words-5", "A secret question")
    await page.locator("#create").click()
    await page.locator("#message").fill("a secret draft")
    kept = await page.evaluate(KEPT)
    assert "A secret question" in kept
    assert "a secret draft" in kept
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("button", name="Sign out")).to_have_count(0)
    assert "secret" not in await page.evaluate(KEPT)
    later = await page.context.new_page()
    await sign_in(later, stack)
    await expect(later.locator("#connection")).to_have_attribute("data-state", "open")
    await expect(later.locator("#message")).to_have_value("")
    await expect(later.locator("article.turn")).to_have_count(0)
