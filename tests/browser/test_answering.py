"""An answer on the page: what its Markdown becomes, and that it stays in its place while more of it comes."""

import re

from playwright.async_api import Page, expect

from tests.browser.visitor import ask, ask_here, ended, open_page, stop_clock, until
from tests.harness.stack import Stack
from tests.harness.upstream import text_of

HELD = "[words-400+hold-after-200]"
THINKING = "[reasoning-10+words-30+hold-after-5]"
WRITING = "[words-30+hold-after-10@20]"
CODE = 'def greet(name):\n    # hello\n    return f"hello, {name}"'
MARKDOWN = f"""# Heading

Some **bold** and a [link](https://example.org/a), see [1].

- one
  1. nested

| a | b |
|---|---|
| 1 | {"wide-" * 40} |

```python
{CODE}
```

![cat](https://example.org/cat.png) [bad](javascript:alert) <img src=x> $a_1*b*c$

שלום
"""


async def test_markdown_becomes_elements_and_hostile_parts_stay_text(page: Page, stack: Stack) -> None:
    requests: list[str] = []
    await open_page(page, stack)
    page.on("request", lambda request: requests.append(request.url))
    turn = await ask_here(page, f"[echo@100]\n{MARKDOWN}")
    await ended(turn)
    output = turn.locator(".output")
    await expect(output.get_by_role("heading", name="Heading")).to_be_visible()
    await expect(output.locator("ul > li > ol > li")).to_have_text("nested")
    await expect(output.locator("table th")).to_have_text(["a", "b"])
    await expect(output.locator("table td")).to_have_text(["1", "wide-" * 40])
    link = output.get_by_role("link", name="link")
    await expect(link).to_have_attribute("href", "https://example.org/a")
    await expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
    await expect(link).to_have_text("link example.org")
    await expect(output.get_by_role("link", name="cat")).to_have_text("cat example.org")
    await expect(output).to_contain_text("[1]")
    await expect(output).to_contain_text("[bad](javascript:alert) <img src=x>")
    await expect(output.locator(".formula math")).to_have_count(1)
    await expect(output.locator("a[href]")).to_have_count(2)
    await expect(output.locator("img, script")).to_have_count(0)
    direction = "element => getComputedStyle(element).direction"
    assert await output.locator("p", has_text="שלום").evaluate(direction) == "rtl"
    await page.set_viewport_size({"width": 320, "height": 640})
    width = await page.evaluate("document.documentElement.scrollWidth")
    assert width == 320, "wide parts scroll by themselves"
    assert not [url for url in requests if not url.startswith(stack.url)]


async def test_code_is_labelled_coloured_once_complete_and_copied(page: Page, stack: Stack) -> None:
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await open_page(page, stack)
    source = f"Look:\n\n```python\n{CODE}\n```\n"
    turn = await ask_here(page, f"[echo@100]\n{source}")
    await ended(turn)
    block = turn.locator(".output .code-block")
    await expect(block.locator(".language")).to_have_text("python")
    await expect(block.locator(".hljs-keyword")).to_have_text(["def", "return"])
    await expect(block.locator(".hljs-comment")).to_have_text("# hello")
    clipboard = "navigator.clipboard.readText()"
    await stop_clock(page)  # "Copied" stays
    await block.get_by_role("button", name="Copy").click()
    await expect(block.get_by_role("button", name="Copied")).to_be_visible()
    assert await page.evaluate(clipboard) == CODE
    await turn.locator(".foot").get_by_role("button", name="Copy").click()
    await expect(turn.locator(".foot").get_by_role("button", name="Copied")).to_be_visible()
    assert (await page.evaluate(clipboard)).strip() == source.strip()


async def test_a_selection_survives_while_text_arrives(page: Page, stack: Stack) -> None:
    turn = await ask(page, stack, HELD)
    output = turn.locator(".output")
    await expect(output).to_contain_text("w198 ")
    await output.evaluate(
        """output => {
            const [text] = output.querySelector("p").childNodes;
            getSelection().setBaseAndExtent(text, 3, text, 12);
        }"""
    )
    selected = await page.evaluate("getSelection().toString()")
    first = await output.locator("p").first.element_handle()
    assert first
    assert selected == "w1 w2 w3 "
    stack.upstream.release(HELD)
    await expect(output).to_contain_text("w399")
    assert await page.evaluate("getSelection().toString()") == selected
    assert await first.evaluate("element => element.isConnected"), "nothing that was shown is built again"


async def test_scrolling_up_stays_there_and_a_button_leads_to_the_latest(page: Page, stack: Stack) -> None:
    await page.set_viewport_size({"width": 400, "height": 500})
    turn = await ask(page, stack, HELD)
    output = turn.locator(".output")
    await expect(output).to_contain_text("w198 ")
    below = "document.documentElement.scrollHeight - innerHeight - scrollY"
    await until(page, f"scrollY > 300 && {below} <= 2")
    jump = page.locator("#latest")
    await expect(jump).to_be_hidden()
    place = await page.evaluate("scrollY") - 250
    await page.mouse.move(200, 200)
    await page.mouse.wheel(0, -250)
    await until(page, f"scrollY === {place}")
    await expect(jump).to_be_visible()
    stack.upstream.release(HELD)
    await expect(output).to_contain_text("w399")
    assert await page.evaluate("scrollY") == place
    await jump.click()
    await expect(jump).to_be_hidden()
    await until(page, f"{below} <= 2")


async def test_reasoning_is_folded_and_timed(page: Page, stack: Stack) -> None:
    turn = await ask(page, stack, THINKING)
    thoughts = turn.locator(".thoughts")
    await expect(thoughts.locator("summary")).to_have_text(re.compile(r"^Thinking for \d\.\d s…$"))
    await expect(turn.locator(".reasoning")).to_be_hidden()
    stack.upstream.release(THINKING)
    await ended(turn)
    await expect(thoughts.locator("summary")).to_have_text(re.compile(r"^Thought for \d\.\d s$"))
    await thoughts.locator("summary").click()
    await expect(turn.locator(".reasoning")).to_have_text("r0 r1 r2 r3 r4 r5 r6 r7 r8 r9")
    await expect(turn.locator(".output")).to_have_text(text_of(THINKING))


async def test_the_stats_are_shown_while_text_arrives_and_at_the_end(page: Page, stack: Stack) -> None:
    turn = await ask(page, stack, WRITING)
    stats = turn.locator(".stats")
    await expect(stats).to_have_text(
        re.compile(r"^scripted · first text after \d+(\.\d)? s · about \d+ tokens/s$")
    )
    stack.upstream.release(WRITING)
    await ended(turn)
    await expect(stats).to_have_text(re.compile(r"^scripted · \d+(\.\d)? s · 30 tokens$"))


async def test_the_start_and_the_end_are_announced_and_no_tokens(page: Page, stack: Stack) -> None:
    await open_page(page, stack)
    await page.evaluate(
        """() => {
            window.announced = [];
            const announcer = document.querySelector("#announcer");
            const note = () => announcer.textContent && announced.push(announcer.textContent);
            new MutationObserver(note).observe(announcer, { childList: true, subtree: true });
        }"""
    )
    turn = await ask_here(page, THINKING)
    await expect(turn.locator(".output")).to_have_attribute("aria-busy", "true")
    await expect(turn.locator(".thoughts")).to_be_visible()  # the upstream has the request
    stack.upstream.release(THINKING)
    await ended(turn)
    await expect(turn.locator(".output")).to_have_attribute("aria-busy", "false")
    assert await page.evaluate("announced") == ["The answer has started.", "The answer is complete."]


async def test_the_queue_position_is_shown_while_waiting_for_a_worker(page: Page, stack: Stack) -> None:
    await open_page(page, stack)
    stack.take_tasks("worker1", "worker2", yes=False)
    try:
        turn = await ask_here(page, "How deep is it?")
        await expect(turn.locator(".state")).to_have_text("In the queue, next")
        await expect(turn).to_have_attribute("data-status", "queued")
    finally:
        stack.take_tasks("worker1", "worker2", yes=True)
    await ended(turn)
