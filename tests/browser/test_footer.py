"""The line under an answer: versions, buttons and figures have room at every width."""

from itertools import pairwise
from typing import Any

from playwright.async_api import Page, expect

from tests.browser.visitor import ask, ended
from tests.harness.stack import Stack

WIDTHS = (320, 700, 820, 1000, 1280)
BOXES = """(turn) => {
  const box = (each) => {
    const { left, right, top, bottom } = each.getBoundingClientRect();
    return { left, right, top, bottom, middle: (top + bottom) / 2 };
  };
  const words = document.createRange();
  words.selectNodeContents(turn.querySelector(".stats"));
  const parts = [...turn.querySelectorAll(".foot .tools-of-turn > *")];
  return {
    foot: box(turn.querySelector(".foot")),
    parts: parts.filter((each) => each.checkVisibility()).map(box),
    figures: { ...box(words), lines: words.getClientRects().length },
  };
}"""


def check(boxes: dict[str, Any]) -> None:
    """Versions and buttons stand in one line; the figures beside them at its end, or alone below them."""
    foot, parts, figures = boxes["foot"], boxes["parts"], boxes["figures"]
    assert len({round(part["middle"]) for part in parts}) == 1
    for left, right in pairwise(parts):
        assert left["right"] <= right["left"]
    assert figures["lines"] == 1
    assert foot["left"] - 1 <= figures["left"]
    assert figures["right"] <= foot["right"] + 1
    if abs(figures["middle"] - parts[0]["middle"]) < 4:
        assert figures["left"] >= parts[-1]["right"] + 8
        assert abs(figures["right"] - foot["right"]) < 2
    else:
        assert figures["top"] >= max(part["bottom"] for part in parts) - 1
        at_edges = [abs(figures[edge] - foot[edge]) < 2 for edge in ("left", "right")]
        assert any(at_edges), "not in the middle of the line"


async def test_the_parts_of_the_footer_do_not_meet_at_any_width(page: Page, stack: Stack) -> None:
    turn = await ask(page, stack, "[words-30]")
    await ended(turn)
    regenerated = page.locator("article.turn .foot .branches:visible .place")
    await turn.get_by_role("button", name="Regenerate").click()
    await expect(regenerated).to_have_text("2/2")
    await ended(turn)
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 700})
        check(await turn.evaluate(BOXES))
    await turn.get_by_role("button", name="Edit").click()
    await page.get_by_role("textbox", name="Edit your message").fill("[words-40]")
    await page.keyboard.press("Enter")
    await expect(turn.locator(".question .branches .place")).to_have_text("3/3")
    await ended(turn)
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 700})
        check(await turn.evaluate(BOXES))
