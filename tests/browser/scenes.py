"""Scenes for the pictures of the page, played on the real page.

in:  a page of a fresh guest, and the stack with the models of `MODELS`
out: the page as it is to be seen
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from playwright.async_api import Locator, Page, expect

from tests.browser.test_long_questions import PASTE
from tests.browser.visitor import become_guest, ended, open_page
from tests.harness.stack import Stack

# their scripts are not in the prompts, which are seen
MODELS = {
    "mill-large": "[article-261@200]",
    "mill-thinking": "[reasoning-30+article-261@12]",
    "mill-small": "[article-261+cut-after-110@100]",
    "mill-free": "",  # the prompt has its script
}
QUESTION = "How does a water mill work?"
FORMULAS = r"""The head of the water becomes speed:

\[ v = \sqrt{2 g h}, \qquad P = \eta \rho g Q \int_0^T h(t)\,\mathrm{d}t \]

1. Measure the flow:

   ```bash
   curl -s https://gauge.example/flow | jq '.litres'
   ```

2. Compute $P$ for each $h_i$, then take the mean.

- [x] weir cleaned
- [ ] stones dressed

> A price of $5 is no formula.
"""
# hours ago, title, whether an answer in it is unread
CONVERSATIONS = (
    (0.2, "A letter to the millers' guild", True),
    (0.5, "Names for a narrow boat", False),
    (20, "Why does the weir freeze last?", False),
    (23, "Oak or elm for the buckets of an overshot wheel, and how long does each of them last?", False),
    (24 * 6, "Rate of flow from a float and a watch", False),
    (24 * 9, "טחנת מים", False),
    (24 * 20, "Gear ratios for two stones", False),
)
ADD = """from datetime import timedelta
from django.utils import timezone
from chat.models import Conversation
for hours, title, unread in {rows!r}:
    then = timezone.now() - timedelta(hours=hours)
    Conversation.objects.create(owner_id={owner}, title=title, unread=unread, updated_at=then)
"""

Size = tuple[int, int]


@dataclass(frozen=True)
class Scene:
    """One picture: how the browser is set, and what happens before."""

    act: Callable[[Page, Stack], Awaitable[None]]
    size: Size = (1280, 800)
    scale: float = 1
    scheme: Literal["light", "dark"] = "light"
    touch: bool = False


async def open_with_conversations(page: Page, stack: Stack) -> None:
    """Open the page of a guest with earlier conversations."""
    await become_guest(page, stack)
    await open_page(page, stack)
    owner = await page.locator("body").get_attribute("data-owner")
    stack.run("manage.py", "shell", "-v0", "-c", ADD.format(rows=CONVERSATIONS, owner=owner))
    await open_page(page, stack)


async def ask(page: Page, model: str, prompt: str = QUESTION) -> Locator:
    """Ask as a finger does, too, and return the turn that appears."""
    await page.locator("#model").select_option(model)
    await page.locator("#message").fill(prompt)
    await page.locator("#send").click()
    return page.locator("article.turn").last


async def answered(page: Page, stack: Stack) -> Locator:
    """A whole answer, below its question."""
    await open_with_conversations(page, stack)
    turn = await ask(page, "mill-large")
    await ended(turn)
    return turn


async def table_and_code(page: Page, stack: Stack) -> None:
    """The part of an answer that has both."""
    turn = await answered(page, stack)
    await turn.locator(".table-frame").evaluate(
        "(each) => scrollTo(0, each.getBoundingClientRect().top + scrollY - 84)"
    )
    await expect(turn.locator("table")).to_be_in_viewport()


async def from_the_top(page: Page, stack: Stack) -> None:
    """The question, and how the answer begins."""
    turn = await answered(page, stack)
    await page.evaluate("scrollTo(0, 0)")
    await expect(turn.locator(".input")).to_be_in_viewport()


async def streaming(page: Page, stack: Stack) -> None:
    """An answer in the middle of its list, after its reasoning."""
    await open_with_conversations(page, stack)
    turn = await ask(page, "mill-thinking")
    await expect(turn.locator(".output")).to_contain_text("undershot")


async def error(page: Page, stack: Stack) -> None:
    """A model whose server breaks off."""
    await open_with_conversations(page, stack)
    await ended(await ask(page, "mill-small"), "failed")


async def offline(page: Page, stack: Stack) -> None:
    """No network, and a message that waits for it."""
    await answered(page, stack)
    await page.context.set_offline(True)
    await expect(page.locator("#connection")).to_have_attribute("data-state", "offline")
    await ask(page, "mill-large", "And what is a tailrace?")
    await expect(page.locator("#connection .words")).to_contain_text("kept")


async def empty(page: Page, stack: Stack) -> None:
    """Nothing was asked yet."""
    await open_page(page, stack)


async def drawer(page: Page, stack: Stack) -> None:
    """The list: over the page where it has no room beside it."""
    await from_the_top(page, stack)
    if await page.locator("#sidebar-toggle").get_attribute("aria-expanded") == "false":
        await page.locator("#sidebar-toggle").click()
    await expect(page.locator("#sidebar")).to_be_in_viewport()


async def branches(page: Page, stack: Stack) -> None:
    """The second of two answers to one question, its buttons in sight."""
    turn = await answered(page, stack)
    await turn.get_by_role("button", name="Regenerate").click()
    await ended(page.locator("article.turn").last)
    await page.locator("article.turn .foot").hover()


async def sheet(page: Page, stack: Stack) -> None:
    """The keyboard's shortcuts."""
    await open_page(page, stack)
    await page.locator("#message").blur()
    await page.keyboard.press("?")


async def undo(page: Page, stack: Stack) -> None:
    """A conversation was deleted by the keyboard."""
    await answered(page, stack)
    if await page.locator("#sidebar-toggle").get_attribute("aria-expanded") == "false":
        await page.locator("#sidebar-toggle").click()
    await page.locator(".entry a").first.focus()
    await page.keyboard.press("Delete")
    await expect(page.locator("#toast")).to_be_visible()


async def menu(page: Page, stack: Stack) -> None:
    """The menu of a conversation."""
    await drawer(page, stack)
    await page.locator(".entry").first.hover()
    await page.locator(".entry").first.get_by_role("button").click()
    await expect(page.get_by_role("menu")).to_be_visible()


async def results(page: Page, stack: Stack) -> None:
    """The results of a search, with their places."""
    await drawer(page, stack)
    await page.locator("#search").fill("wheel")
    await expect(page.locator(".entry mark").first).to_be_visible()


async def panel(page: Page, stack: Stack) -> None:
    """The settings of an answer."""
    await open_page(page, stack)
    await page.locator("#settings-open").click()
    await expect(page.get_by_role("dialog")).to_be_visible()


async def share(page: Page, stack: Stack) -> None:
    """The link of a conversation."""
    await answered(page, stack)
    await page.locator("#share").click()
    await page.get_by_role("dialog").get_by_role("button", name="Create a link").click()
    await expect(page.get_by_role("textbox", name="Link")).to_be_visible()


async def shared(page: Page, stack: Stack) -> None:
    """The page of a link's readers."""
    await share(page, stack)
    await page.goto(await page.get_by_role("textbox", name="Link").input_value())
    await ended(page.locator("article.turn"))


async def queue(page: Page, stack: Stack) -> None:
    """Messages that wait for the end of an answer."""
    await streaming(page, stack)
    for text in ("And how fast does its stone turn?", "Which wood lasts longest in the water?"):
        await page.locator("#message").fill(text)
        await page.locator("#send").click()
    await expect(page.locator(".queued-message")).to_have_count(2)


async def long(page: Page, stack: Stack) -> None:
    """A long question, and a long text that was pasted."""
    await open_with_conversations(page, stack)
    lines = "".join(f"{hour:02}:00 level {hour * 7 % 40} cm\n" for hour in range(24))
    await ended(await ask(page, "mill-large", f"When was the pond highest?\n\n{lines}"))
    await page.evaluate("scrollTo(0, 0)")
    await page.locator("#message").focus()
    await page.evaluate(PASTE, lines * 20)
    await expect(page.locator("#pasted")).to_contain_text("Pasted text")


async def formulas(page: Page, stack: Stack) -> None:
    """Formulas, steps with code, tasks, a quotation."""
    await open_with_conversations(page, stack)
    await ended(await ask(page, "mill-free", f"[echo@200]\n{FORMULAS}"))
    await expect(page.locator(".output .katex").first).to_be_visible()
    await page.locator(".output").evaluate("(each) => each.scrollIntoView()")


async def delete_all(page: Page, stack: Stack) -> None:
    """The question before all conversations are deleted."""
    await drawer(page, stack)
    await page.locator("#delete-all-open").click()
    await expect(page.get_by_role("dialog")).to_be_visible()


def at(path: str) -> Callable[[Page, Stack], Awaitable[None]]:
    """A separate page."""

    async def go(page: Page, stack: Stack) -> None:
        await page.goto(stack.url + path)

    return go


SCENES = {
    "wide": Scene(table_and_code, size=(1280, 860)),
    "phone": Scene(from_the_top, size=(390, 844), scale=2, touch=True),
    "dark": Scene(table_and_code, size=(1280, 860), scheme="dark"),
    "streaming": Scene(streaming),
    "error": Scene(error),
    "offline": Scene(offline),
}
# not kept: for a check of changes of the page
OTHERS = {
    "empty": Scene(empty),
    "drawer": Scene(drawer),
    "branches": Scene(branches),
    "sheet": Scene(sheet),
    "undo": Scene(undo),
    "menu": Scene(menu),
    "results": Scene(results),
    "panel": Scene(panel),
    "share": Scene(share),
    "shared": Scene(shared),
    "queue": Scene(queue),
    "long": Scene(long),
    "formulas": Scene(formulas),
    "delete_all": Scene(delete_all),
    "offline_page": Scene(at("/offline/")),
    "login": Scene(at("/accounts/login/")),
    "minimal": Scene(at("/minimal/")),
    "nowhere": Scene(at("/nowhere/")),
}
