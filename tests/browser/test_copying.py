"""Copy where the browser has no clipboard API, as on plain http: code and answers, byte for byte."""

from playwright.async_api import Page, expect

from tests.browser.visitor import ask, ended, stop_clock
from tests.harness.stack import Stack

WITHOUT = "Object.defineProperty(navigator, 'clipboard', { value: undefined })"
CODE = 'def f(x):\n    return "🌊 שלום"  # two  spaces \n\n\nprint(f(1))'
ANSWER = f"See **this**:\n\n```python\n{CODE}\n```\n\nDone,\ttwo\u00a0 spaces."
SELECT = """(turn) => {
  const text = turn.querySelector(".output p").firstChild;
  getSelection().setBaseAndExtent(text, 0, text, 3);
}"""


async def test_code_and_answers_are_copied_without_the_clipboard_api(page: Page, stack: Stack) -> None:
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.add_init_script(WITHOUT)
    turn = await ask(page, stack, f"[echo@200]\n{ANSWER}")
    await ended(turn)
    assert await page.evaluate("navigator.clipboard") is None
    reader = await page.context.new_page()
    await reader.goto(f"{stack.url}/accounts/login/")
    await stop_clock(page)  # "Copied" stays
    for place, expected in ((".output .code-block", CODE), (".foot", ANSWER)):
        copy = turn.locator(place).get_by_role("button", name="Copy")
        await page.bring_to_front()
        await copy.focus()
        await turn.evaluate(SELECT)
        await page.keyboard.press("Enter")
        await expect(turn.locator(place).get_by_role("button", name="Copied")).to_be_focused()
        assert await page.evaluate("getSelection().toString()") == "See"
        await reader.bring_to_front()
        assert await reader.evaluate("navigator.clipboard.readText()") == expected
