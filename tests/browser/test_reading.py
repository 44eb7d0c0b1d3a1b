"""The tree of a screen reader: a conversation with versions, a failure, files and a queued message."""

from playwright.async_api import FilePayload, Page, expect

from tests.browser.visitor import ask, ask_here, ended
from tests.harness.stack import Stack

HELD = "[words-20+hold-after-5] held"
TREE = """
- main:
  - region "Conversation":
    - article:
      - heading "You asked" [level=2]
      - paragraph: "[echo] one"
      - heading "Answer" [level=3]
      - paragraph: one
      - group "Version 2 of 2":
        - button "Previous version"
        - button "Next version" [disabled]
      - button "Copy"
      - paragraph: /scripted-vision/
    - article:
      - heading "You asked" [level=2]
      - list "Files":
        - listitem:
          - link "depths.txt"
      - paragraph: "[cut-after-3] with a file"
      - heading "Answer" [level=3]
      - paragraph: w0 w1 w2
      - paragraph: The model's server ended the answer before it was complete.
      - paragraph: The text so far is kept. Try again for the whole answer.
      - button "Copy"
      - paragraph: /scripted-vision/
    - article:
      - heading "You asked" [level=2]
      - paragraph: "[words-20+hold-after-5] held"
      - heading "Answer" [level=3]
      - paragraph: /w0 w1 w2/
      - paragraph: /scripted-vision/
  - region "Messages that wait":
    - heading "Messages that wait" [level=2]
    - list:
      - listitem:
        - paragraph: next
        - paragraph: Sent when the answer ends
        - button "Edit"
        - button "Cancel"
"""


async def test_a_conversation_reads_as_headings_lists_and_named_groups(page: Page, stack: Stack) -> None:
    first = await ask(page, stack, "[echo] one", "scripted-vision")
    await ended(first)
    await first.get_by_role("button", name="Regenerate").click()
    await expect(first.locator(".foot .place")).to_have_text("2/2")
    await ended(first)
    text = FilePayload(name="depths.txt", mimeType="text/plain", buffer=b"Two metres.")
    await page.locator("#files").set_input_files([text])
    await expect(page.locator('.file-chip[data-state="uploaded"]')).to_have_count(1)
    failed = await ask_here(page, "[cut-after-3] with a file")
    await ended(failed, "failed")
    await expect(failed.get_by_role("button", name="Retry")).to_be_visible()
    await expect(failed.get_by_role("button", name="Regenerate")).to_have_count(0)  # it would do the same
    turn = await ask_here(page, HELD)
    await expect(turn.locator(".output")).to_contain_text("w3 ")
    await page.locator("#message").fill("next")
    await page.locator("#message").press("Enter")
    await expect(page.locator("#announcer")).to_have_text("Your message will be sent when the answer ends.")
    await expect(page.locator("main")).to_match_aria_snapshot(TREE)
    assert "- paragraph\n" not in await page.locator("main").aria_snapshot()
    stack.upstream.release(HELD)
    await expect(page.locator("article.turn")).to_have_count(4)
