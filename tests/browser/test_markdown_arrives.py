"""A text arrives in pieces: the page shows the same as if it came at once, and copies what came."""

import random
import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.normal_form import normal_form
from tests.browser.renderer import RANDOM, WHOLE, rendered, rendered_each
from tests.browser.visitor import ask, ended
from tests.harness.stack import Stack

MARKS = (
    *(
        "\n",
        "\n\n",
        "  ",
        "    ",
        "- ",
        "1. ",
        "2) ",
        "> ",
        "# ",
        "*",
        "**",
        "_",
        "~~",
        "`",
        "```",
        "```\n",
        "~~~\n",
    ),
    *(
        "|",
        "[",
        "](",
        "]",
        ")",
        "![",
        "]: ",
        "http://x.y/",
        "[a]",
        "[a]: http://a.org/\n",
        "$",
        "$$",
        "\\[",
        "\\]",
    ),
    *(
        "\\(",
        "\\)",
        "\\\\",
        "<",
        "<br>",
        "<!--",
        "-->",
        "&amp;",
        "\t",
        "- [x] ",
        "---\n",
        "===\n",
        "🌊",
        "\r\n",
    ),
    *("'t'\n", "a | b\n--|--\n", "| c |\n"),
    *(
        "\r",
        "\0",
        "\n  \n",
        "\n\t\n",
        "=",
        "|---|",
        "+ ",
        "10. ",
        "[ ] ",
        "[x]",
        "[^1]: ",
        "$x$",
        "$$\nx\n$$",
        "5 ",
        "{",
    ),
    *(
        "#",
        "\\\n",
        "&",
        "lt;",
        "\u3000",
        "。**",
        "e\u0301",
        "👩\u200d🚀",
        "\u202e",
        "https://u.org/a_b",
        "www.w.org",
        ".",
    ),
    *(
        "me@m.org",
        "<https://l.org>",
        "javascript:alert(1)",
        "[b]: https://b.org/ 'ti\ntle'\n",
        "`` ",
        "~~~~\n",
    ),
)
MIXES = 600
BY_CHARACTER = 150  # of these; it costs four times as much as larger pieces
MATHS = {
    r"\[ x = \frac{-b \pm \sqrt{b^2-4ac}}{2a} \]": [r"\[ x = \frac{-b \pm \sqrt{b^2-4ac}}{2a} \]"],
    "so:\n$$\na_1*b*c\n$$\nand $x_1*y*z$ or \\(a_b\\)": ["$$\na_1*b*c\n$$", "$x_1*y*z$", "\\(a_b\\)"],
    "1. one\n   $$x$$\n2. **two $a*b$ c**": ["$$x$$", "$a*b$"],
    "Buy **$AAPL** and **$TSLA** now": [],
    "$HOME is **important**, $5 and $10, $ x$, $x $, US$5 or A$, $3 for you and 4$": [],
    "`$x$` and\n\n```\n$$y$$\n\\(z\\)\n```": [],
    "\\[ a without an end\n\nnext $b": [],
    "Formula:\n$$x$$\n---\nnext": ["$$x$$"],
    "Thus:\n$$\nx\n=\ny\n$$": ["$$\nx\n=\ny\n$$"],
    "设$x$为正数，则\\(y\\)是; $x$는": ["$x$", "\\(y\\)", "$x$"],  # noqa: RUF001
    "the $i$th item, the $n-1$st and $a b$th": ["$i$", "$n-1$"],
    "价格$5到$10，变量$HOME和$PATH": [],  # noqa: RUF001
    r"\[1\] foo \[2\], array\[0\], sed 's/\(foo\)/\1/', \(a\|b\), x\(a\)": [],
    'echo $$ and kill $$; cost $5 (in "$")': [],
    r"Let \( \|x\| \) be $$ x + y $$ and \[ z \], so": [r"\( \|x\| \)", "$$ x + y $$", r"\[ z \]"],
}
CODES = {
    "```make\nall:\n\tcc x  \n\n```": "all:\n\tcc x  \n",
    "1. M:\n   ```make\n   all:\n   \tcc x\r\n   y\n   ```\n2. b": "all:\n\tcc x\r\ny",
    "> ```\n> a\tb\n>  c\n> ```": "a\tb\n c",
    "```\r\na\r\nb\r\n```\r\n": "a\r\nb",
    "    a\r\n    b\r\n": "a\r\nb",
    "- a\n\n      x\n      \ty\n": "x\n\ty",
    "- a\n  ```\n  x\n    \n\n  y\n  ```": "x\n  \n\ny",
    "```\r\n\ra\r\n```": "\ra",
    "- [b]\r\n  ```c\r\n  a[b]\r\n  \tc\r\n  ```\r\n\r\n"
    + "b\r\n\r\n" * 3
    + "[b]: https://b.org\r\n": "a[b]\r\n\tc",
    "~~~\nopen `` \n``": "open `` \n``",
    "```\n    \tx\n\u3000    \t    w\n```": "    \tx\n\u3000    \t    w",
    "- a\n  ```\n  \u3000\tx\n  \t\u00a0\ty\n  ```": "\u3000\tx\n\t\u00a0\ty",
    "> 1. a\n>    ```\n>    \tx\n>     \ty\n>    ```": "\tx\n \ty",
    "    a\u2028    b\n    \u3000\t\n    c": "a\u2028    b\n\u3000\t\nc",
    "```\n" + "long " * 3000 + "\n\n\n\x01```\n```": "long " * 3000 + "\n\n\n\x01```",
}


# after each state of one text
LINKS = """async ({ states }) => {
  const base = new URL("static/chat/", document.baseURI).href;
  const { AnswerText } = await import(base + "turns/answer_text.js");
  const root = document.createElement("div");
  document.querySelector("#turns").append(root);
  const answer = new AnswerText(root);
  return states.map((text) => {
    while (!answer.show(text, 0, false));
    return root.querySelectorAll("a").length;
  });
}"""
# of a text at once, and of one that came in pieces
COPIED = """async ({ text }) => {
  const base = new URL("static/chat/", document.baseURI).href;
  const { AnswerText } = await import(base + "turns/answer_text.js");
  const written = [];
  Object.defineProperty(navigator, "clipboard", {
    configurable: true, value: { writeText: async (text) => written.push(text) },
  });
  for (const step of [text.length, 3]) {
    const root = document.createElement("div");
    document.querySelector("#turns").append(root);
    const answer = new AnswerText(root);
    for (let end = step; end < text.length; end += step) while (!answer.show(text.slice(0, end), 0, false));
    while (!answer.show(text, 0, true));
    root.querySelector(".code-block button").click();
  }
  return written;
}"""


def mix(rng: random.Random) -> str:
    """Words and marks in any order."""
    count = rng.choice([6, 12, 25, 60])
    marks = rng.sample(MARKS, 8) if rng.random() < 0.6 else MARKS  # a few meet more often
    return "".join(rng.choice(marks) + (f"w{n} " if rng.random() < 0.5 else "") for n in range(count))


async def test_any_mix_of_marks_is_shown_the_same_however_it_arrives(modules: Page) -> None:
    seed = random.randrange(1_000_000)
    rng = random.Random(seed)
    texts = [mix(rng) for _ in range(MIXES)]
    ways = [[WHOLE, 1, RANDOM]] * BY_CHARACTER + [[WHOLE, RANDOM]] * (MIXES - BY_CHARACTER)
    shown = await rendered_each(modules, texts, ways)
    differ = [(text, html) for text, html in zip(texts, shown, strict=True) if len(set(html)) > 1]
    shortest = sorted(differ, key=lambda each: len(each[0]))[:3]
    assert not differ, f"seed {seed}: {len(differ)}, the shortest {shortest}"
    assert not [text for text, (html, *_) in zip(texts, shown, strict=True) if html.startswith("plain")]


@pytest.mark.parametrize("text", MATHS)
async def test_formulas_are_found_and_dollars_of_other_kinds_are_text(modules: Page, text: str) -> None:
    [shown] = await rendered(modules, [text], WHOLE, 1, 3, RANDOM)
    assert re.findall(r'class="formula[^>]*>([^<]*)<', shown[0]) == MATHS[text]
    assert "**" not in normal_form(shown[0]), "no marks are left"
    assert len(set(shown)) == 1


@pytest.mark.parametrize("text", CODES)
async def test_the_copied_code_is_what_the_model_wrote(modules: Page, text: str) -> None:
    assert await modules.evaluate(COPIED, {"text": text}) == [CODES[text]] * 2


async def test_a_definition_that_comes_later_makes_links_of_finished_texts(modules: Page) -> None:
    items = "- one\n\n  see [b] \n\u3000\n- two\n- three\n\n"
    text = f"A [b].\n\n{items}| t [b] |\n|---|\n| [b] |\n| x |\n| y |\n\n"
    [[before]] = await rendered(modules, [text])
    [[after, *streamed]] = await rendered(modules, [f"{text}[b]: https://b.org/\n"], WHOLE, 1, RANDOM)
    assert before.count("<a ") == 0
    assert after.count("<a ") == 4
    assert set(streamed) == {after}


async def test_a_row_of_unicode_spaces_is_one_whatever_is_above_it(modules: Page) -> None:
    head = "a | b\n--|--\n"
    texts = [f"{head}{rows}\u3000\n\nend" for rows in ("", "x\n", "-\n\u00a0\n")]
    shown = await rendered(modules, texts, WHOLE, 1, RANDOM)
    assert [len(set(html)) for html in shown] == [1, 1, 1]
    assert [html[0].count("<tr>") for html in shown] == [2, 3, 4]


async def test_what_half_a_line_changes_in_a_block_above_it_does_not_stay(modules: Page) -> None:
    texts = ["1. ```\n\t\n1. \n", "|\n2\n\t~\n- [\n\n"]  # a line of code; the end of a paragraph
    code, paragraph = await rendered(modules, texts, WHOLE, 1)
    assert (len(set(code)), len(set(paragraph))) == (1, 1)
    assert '<code><span class="lines"> </span></code>' in code[0]
    assert '<p dir="auto">|<br>2<br>~</p>' in paragraph[0]


async def test_an_address_is_a_link_as_soon_as_its_line_ends(modules: Page) -> None:
    states = ["see https://a.org/x", "see https://a.org/x\n"]
    assert await modules.evaluate(LINKS, {"states": states}) == [0, 1]


async def test_definitions_that_are_items_are_shown_and_define(modules: Page) -> None:
    text = "See [1] and [2].\n\n" + "w\n\n" * 3 + "- [1]: https://a.org/x\n- [2]: https://b.org/\n- c\n- d\n"
    [[whole, *streamed]] = await rendered(modules, [text], WHOLE, 1, RANDOM)
    assert set(streamed) == {whole}
    items = re.findall(r"<li>(.*?)</li>", whole)
    assert [re.sub(r"<[^>]*>", "", each) for each in items] == [
        "[1]: https://a.org/x",
        "[2]: https://b.org/",
        "c",
        "d",
    ]
    assert whole.count("<a ") == 4


async def test_a_paragraph_without_a_place_to_cut_arrives_as_it_comes_at_once(modules: Page) -> None:
    unit = (
        '{"a":1,"b_c":[2,3]},',
        "1.5,2.5\n",
        "漢字、",
        "- 1. # > |",
        "👩\u200d🚀",
        "[a](",
        "`` ` ",
        "$x$ \\(y\\) ",
    )
    texts = ["w " + each * (14_000 // len(each)) for each in unit]
    shown = await rendered(modules, texts, WHOLE, 37, -900)
    assert [text[:20] for text, html in zip(texts, shown, strict=True) if len(set(html)) > 1] == []
    assert all(html.count('class="goes-on"') >= 1 for html, *_ in shown)


async def test_the_parts_of_a_paragraph_have_one_direction(modules: Page) -> None:
    text = "ابدأ " + "The water of the mill turns the wheel. " * 200
    [[whole, *streamed]] = await rendered(modules, [text], WHOLE, 50)
    assert set(streamed) == {whole}
    assert set(re.findall(r'<p [^>]*class="goes-on"[^>]*>', whole)) == {'<p dir="rtl" class="goes-on">'}


async def test_reasoning_and_questions_are_markdown(page: Page, stack: Stack) -> None:
    turn = await ask(page, stack, "[echo] **bold**\nnext line\n\n- item")
    await ended(turn)
    question = turn.locator(".input")
    await expect(question.locator("strong")).to_have_text("bold")
    await expect(question.locator("br")).to_have_count(1)
    await expect(question.locator("li")).to_have_text("item")


async def test_the_last_letter_is_shown_while_the_model_pauses(page: Page, stack: Stack) -> None:
    prompt = "[words-3+hold-after-2]"
    turn = await ask(page, stack, prompt)
    await expect(turn.locator(".output")).to_have_text(re.compile(r"^w0 w1\s*$"))
    stack.upstream.release(prompt)
    await ended(turn)


async def test_right_to_left_text_has_its_bar_and_its_columns_on_the_right(page: Page, stack: Stack) -> None:
    text = "> اقتباس طويل\n\n| واحد | اثنان |\n|---|---|\n| 1 | 2 |\n\nجرب `print(1)` كل يوم"
    turn = await ask(page, stack, f"[echo]\n{text}")
    await ended(turn)
    output = turn.locator(".output")
    direction = "(element) => getComputedStyle(element).direction"
    assert await output.locator("blockquote").evaluate(direction) == "rtl"
    assert await output.locator("table").evaluate(direction) == "rtl"
    assert await output.locator("code").evaluate(direction) == "ltr"
    first, second = [await output.locator("th").nth(n).bounding_box() for n in (0, 1)]
    assert first
    assert second
    assert first["x"] > second["x"]
