"""The Content Security Policy in a browser: no string becomes HTML or a script, and the admin still works."""

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Browser, Error, expect

from tests.browser.conftest import in_session, profile
from tests.browser.corpus import ELSEWHERE
from tests.browser.watch import Watch
from tests.harness.stack import Stack
from tests.harness.waiting import await_until

PASSWORD = "correct horse battery"
MAKE_BOSS = "from django.contrib.auth.models import User; User.objects.create_superuser"
REPORT_SECS = 20  # a violation is reported in a separate task
SINKS = [
    "document.body.innerHTML = '<b>x</b>'",
    "document.body.insertAdjacentHTML('beforeend', '<b>x</b>')",
    "document.createElement('script').text = 'canary()'",
    "document.createElement('iframe').srcdoc = '<b>x</b>'",
    "trustedTypes.createPolicy('own', { createHTML: (text) => text })",
]


@in_session()
async def careless(browser: Browser) -> Watch:
    """A profile whose pages may do wrong."""
    return await Watch.over(await profile(browser))


@pytest.mark.parametrize("path", ["/", "/minimal/", "/accounts/login/", "/nowhere/"])
async def test_no_string_becomes_html_or_a_script(careless: Watch, stack: Stack, path: str) -> None:
    page = await careless.context.new_page()
    await page.goto(stack.url + path)
    for sink in SINKS:
        with pytest.raises(Error, match="Trusted"):
            await page.evaluate(f"() => {{ {sink} }}")
    await await_until(reports(careless, len(SINKS)), REPORT_SECS, "each is reported")


async def test_an_image_from_elsewhere_is_stopped_and_reported(careless: Watch, stack: Stack) -> None:
    page = await careless.context.new_page()
    await page.goto(stack.url)
    await page.evaluate(f"document.body.append(Object.assign(new Image(), {{ src: '{ELSEWHERE}/a.png' }}))")
    await await_until(reports(careless, 1), REPORT_SECS, "it is reported")
    assert careless.violations[0].startswith(f"img-src {ELSEWHERE}/a.png")

    async def is_stopped() -> bool:
        return [each.failure for each in careless.requests if each.url.startswith(ELSEWHERE)] == ["csp"]

    await await_until(is_stopped, REPORT_SECS, "the watch records attempts, too")
    assert careless.leaving(stack.url) == [f"{ELSEWHERE}/a.png"]


async def test_the_admin_works_under_its_policy(careless: Watch, stack: Stack) -> None:
    stack.run("manage.py", "shell", "-c", f"{MAKE_BOSS}(username='boss', password='{PASSWORD}')")
    page = await careless.context.new_page()
    await page.goto(f"{stack.url}/admin/")
    await page.get_by_label("Username").fill("boss")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Log in").click()
    await page.goto(f"{stack.url}/admin/tailrace/conversation/")
    await expect(page.get_by_role("heading", name="Select conversation")).to_be_visible()
    await page.goto(f"{stack.url}/admin/auth/user/")
    await page.get_by_role("link", name="boss").click()
    await expect(page.locator(".selector").first).to_be_visible()  # two lists that its JavaScript makes
    assert careless.violations == []


def reports(watch: Watch, count: int) -> Callable[[], Awaitable[bool]]:
    """Whether so many violations were reported."""

    async def have_come() -> bool:
        return len(watch.violations) == count

    return have_come
