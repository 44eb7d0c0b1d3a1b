"""Without a network a reload shows the offline page, the same for everybody, which loads the page again."""

from playwright.async_api import Browser, Page, expect

from tests.browser.axe import findings
from tests.browser.conftest import in_session, profile
from tests.browser.visitor import ask, ended, open_page, until
from tests.harness.stack import Stack

KEPT = """async () => {
  const names = await caches.keys();
  const requests = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
  return requests.flat().map(({ url }) => new URL(url).pathname);
}"""
HEADING = "No connection"


@in_session()
async def page(browser: Browser) -> Page:
    """A page that has its service worker."""
    context = await profile(browser, service_workers="allow", bypass_csp=False)
    return await context.new_page()


async def controlled(page: Page, stack: Stack) -> None:
    """Open the page, and wait until its worker has taken over."""
    await open_page(page, stack)
    await until(page, "navigator.serviceWorker.ready.then(() => navigator.serviceWorker.controller !== null)")


async def test_a_reload_without_a_network_shows_the_offline_page_until_it_returns(
    page: Page, stack: Stack
) -> None:
    await controlled(page, stack)
    await ended(await ask(page, stack, "[echo] a secret weir"))
    await page.locator("#message").fill("a draft")
    address = page.url
    await page.context.set_offline(True)
    await page.reload()
    heading = page.get_by_role("heading", name=HEADING)
    await expect(heading).to_be_visible()
    await expect(page.locator("body")).not_to_contain_text("weir")
    await expect(heading).to_have_css("font-weight", "400")  # its stylesheet is there
    assert page.url == address
    await page.context.set_offline(False)
    await expect(page.locator("article.turn .output")).to_have_text("a secret weir")
    await expect(page.locator("#message")).to_have_value("a draft")


async def test_nothing_of_a_person_is_kept(page: Page, stack: Stack) -> None:
    await controlled(page, stack)
    await ended(await ask(page, stack, "[echo] kept nowhere"))
    await page.reload()
    paths = await page.evaluate(KEPT)
    assert "/offline/" in paths
    assert all(path == "/offline/" or path.startswith("/static/chat/") for path in paths)
    assert not [path for path in paths if "built" in path]
    shown = await page.evaluate("fetch('/offline/').then((reply) => reply.text())")
    assert "data-owner" not in shown


async def test_an_error_of_the_server_is_shown_as_it_is(page: Page, stack: Stack) -> None:
    await controlled(page, stack)
    reply = await page.goto(f"{stack.url}/nowhere/")
    assert reply is not None
    assert reply.status == 404
    await expect(page.get_by_role("heading", name="Page not found")).to_be_visible()


async def test_axe_finds_nothing_on_the_offline_page(browser: Browser, stack: Stack) -> None:
    context = await profile(browser, bypass_csp=True, reduced_motion="reduce")
    page = await context.new_page()
    await page.route("**/page.*.js", lambda route: route.abort())  # it would leave
    await page.set_viewport_size({"width": 320, "height": 640})
    await page.goto(f"{stack.url}/offline/")
    assert await findings(page) == []
