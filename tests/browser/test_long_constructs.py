"""A list, table, block of code or paragraph of any length streams without a long task, at the same cost.

With FULL_LENGTH set it has 20,000 tokens; else an eighth of that.
"""

import os
from statistics import median
from typing import Any

import pytest
from playwright.async_api import Page

from tests.browser.measures import Measures
from tests.browser.visitor import open_page
from tests.harness.stack import Stack
from tests.harness.waiting import patience

TOKENS = 20_000 if os.environ.get("FULL_LENGTH") else 2_500
LONGEST_TASK_MS = 100
GROWTH = 3  # an update of the last quarter in times one of the first; the square of the length would be 7
LEAST_MS = 0.3  # the clock has steps of 0.1 ms
LINES = {
    "list": "- The **weir** holds `back` the water of point {n}\n",
    "table": "| row {n} | the *water* of the mill | {n} |\n",
    "code": "    value_{n} = mill(water={n})  # turns the wheel\n",
    "paragraph": "The water of the *mill* turns wheel {n} and drives the **stones** again. ",
    "article": "## Part {n}\n\nThe *mill* has `{n}` wheels.\n\n- one\n- two\n\n",
}
BEGINNINGS = {"table": "| a | b | c |\n|---|:-:|--:|\n", "code": "```python\n"}
# pieces of 16 tokens, one for each frame; returns the time of each update, in ms, by quarters of the text
STREAM = """async ({ text, step }) => {
  const base = new URL("static/chat/", document.baseURI).href;
  const { AnswerText } = await import(base + "turns/answer_text.js");
  const root = document.createElement("div");
  root.className = "output markdown";
  document.querySelector("#turns").append(root);
  const answer = new AnswerText(root);
  const frame = () => new Promise(requestAnimationFrame);
  const quarters = [[], [], [], []];
  const show = (end, ended) => {
    const begun = performance.now();
    const shown = answer.show(text.slice(0, end), 0, ended);
    quarters[Math.min(3, Math.floor((4 * end) / text.length))].push(performance.now() - begun);
    return shown;
  };
  await frame();
  beginMeasure();
  for (let end = step; end < text.length; end += step) {
    show(end, false);
    await frame();
  }
  while (!show(text.length, true)) await frame();
  await frame();
  return { quarters, shown: root.textContent.length };
}"""

# each begins a mark that ends nowhere, has no place to be cut, or is a very long block
HOSTILE = {
    "formulas": r"\(a\) ",
    "lines of formulas": "\\[a\n",
    "formulas and emphasis": "$x$ *a* ",
    "dollars": "$$a ",
    "JSON": '{"a":1,"b":[2,3]},',
    "numbers": "12.5,13.2,14.9,1.0\n",
    "brackets": "[",
    "references": "[a][",
    "tags": "<a ",
    "pictures": "![",
    "emphasis": "*a_",
    "backslashes": "\\",
    "accents": "\u0301",
    "paragraphs of an item": "   A paragraph of the item here.\n\n",
    "code of an item": "       int x = 1;\n",
    "a quotation": "> On Monday he wrote a line\n",
    "items of an item": "  - item of the list here\n",
}
HOSTILE_CHARS = 60_000
# the time of the longest update with 3,000 characters, in ms: the least of a few attempts
LONGEST_UPDATE = """async ({ text, enough }) => {
  const base = new URL("static/chat/", document.baseURI).href;
  const { AnswerText } = await import(base + "turns/answer_text.js");
  const pause = () => new Promise((resolve) => setTimeout(resolve));
  let least = Infinity;
  for (let attempt = 0; attempt < 5 && least > enough; attempt += 1) {
    const root = document.createElement("div");
    const answer = new AnswerText(root);
    let longest = 0;
    for (let shown = false; !shown; await pause()) {
      const begun = performance.now();
      shown = answer.show(text, 0, true);
      longest = Math.max(longest, performance.now() - begun);
    }
    if (root.querySelector(":scope > .plain")) throw new Error("it is plain");
    least = Math.min(least, longest);
  }
  return least;
}"""


def text_of(kind: str) -> str:
    """About so many tokens."""
    lines: list[str] = []
    while sum(map(len, lines)) < TOKENS * 4:
        lines += [LINES[kind].format(n=len(lines) + n) for n in range(50)]
    return BEGINNINGS.get(kind, "") + "".join(lines)


@pytest.mark.parametrize("kind", LINES)
async def test_a_long_construct_streams_without_a_long_task(page: Page, stack: Stack, kind: str) -> None:
    measures = await Measures.of(page)
    await open_page(page, stack)
    text = text_of(kind)
    found: dict[str, Any] = await page.evaluate(STREAM, {"text": text, "step": 64})
    stats = await measures.stats()
    per_thousand = sum(map(sum, found["quarters"])) / TOKENS * 1000
    typical = [median(updates) for updates in found["quarters"]]  # a busy machine makes a few of them long
    print(f"\n{kind}: {stats}, scripts {per_thousand:.1f} ms per 1,000 tokens, updates {typical}")
    assert found["shown"] > 0.5 * len(text)
    assert stats.longest_task_ms < LONGEST_TASK_MS * patience()
    assert typical[3] < GROWTH * max(typical[0], LEAST_MS)


@pytest.mark.parametrize("name", HOSTILE)
async def test_no_text_makes_one_update_long(modules: Page, name: str) -> None:
    part = HOSTILE[name]
    text = "1. a\n\n" * ("item" in name) + HOSTILE_CHARS // len(part) * part
    enough = LONGEST_TASK_MS * patience()
    longest: float = await modules.evaluate(LONGEST_UPDATE, {"text": text, "enough": enough})
    print(f"\n{name}: {longest:.0f} ms")
    assert longest < enough
