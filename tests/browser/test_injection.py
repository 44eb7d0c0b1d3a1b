"""Model text is hostile: it is streamed one character at a time, and nothing of it runs or leaves."""

import asyncio

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.corpus import CORPUS, ELSEWHERE
from tests.browser.visitor import ask, ask_here, ended, open_page
from tests.browser.watch import Watch
from tests.harness.stack import Stack

SPELLED = "[spell@200]"  # a few characters per frame, so that constructs are painted incomplete
AT_ONCE = "[spell]"
PAGES = 3  # at a time, each with a conversation
SPELLED_CHARS = 800  # a longer text comes at once
LINKED = {  # the texts that have links which may be followed
    "autolinks",
    "bidi",
    "images",
    "links",
    "long",
    "references",
    "styles",
}

# model text makes no element that loads, runs, restyles or moves; no handler; no address of another scheme
# or of this site; no link that does not show where it leads, or that discloses where it was clicked
FINDINGS = """(root) => {
  const made = "p h4 h5 h6 ul ol li blockquote table thead tbody tr th td div pre code span button input br"
    + " hr a bdi em strong del";
  const places = /^(src|srcset|xlink:href|action|formaction|data|poster|background|style|srcdoc)$/i;
  const isLink = (each) => /^(https?:[/]{2}|mailto:.)/.test(each.getAttribute("href"));
  const showsHost = ({ href, textContent }) => {
    const { protocol, host, pathname } = new URL(href);
    return textContent.includes(protocol === "mailto:" ? decodeURIComponent(pathname) : host);
  };
  const words = ["noopener", "noreferrer", "nofollow"];
  const isShy = ({ relList }) => words.every((word) => relList.contains(word));
  const mayNot = (attr) => /^on/i.test(attr.name) || places.test(attr.name);
  const isBad = (each) =>
    !made.split(" ").includes(each.localName)
    || [...each.attributes].some(mayNot)
    || (each.hasAttribute("href") && !(isLink(each) && showsHost(each) && isShy(each)))
    || (each.matches("input") && !each.matches("[type=checkbox]:disabled"))
    || getComputedStyle(each).position === "fixed";
  return [...root.querySelectorAll("*")].filter(isBad).map((each) => each.outerHTML.slice(0, 300));
}"""
# the answer's text, one character more each time: all that a frame may ever show
SPELL = """async (text) => {
  const findings = FINDINGS;
  const { AnswerText } = await import("/static/chat/turns/answer_text.js");
  const output = document.createElement("div");
  output.className = "output";
  document.querySelector("#turns").append(output);
  const answer = new AnswerText(output);
  const found = new Set();
  const look = () => findings(output).forEach((each) => found.add(each));
  let prefix = "";
  for (const character of text) {
    prefix += character;
    while (!answer.show(prefix, 0, false));
    look();
  }
  while (!answer.show(prefix, 0, true));
  look();
  const links = output.querySelectorAll("a[href]").length;
  return { found: [...found], links, shown: output.textContent.length };
}""".replace("FINDINGS", FINDINGS)
# one of each kind that must be found
PLANTED = """(root) => {
  const plant = (tag, attributes) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    root.append(made);
    return made;
  };
  const rel = "noopener noreferrer nofollow";
  plant("img", {});
  plant("p", { background: "a.png" });
  plant("p", {}).style.position = "fixed";
  plant("input", { type: "text" });
  plant("a", { href: "javascript:canary()", rel }).textContent = "javascript:canary()";
  plant("a", { href: "/accounts/logout/", rel }).textContent = location.host;
  plant("a", { href: "https://bad.example/", rel }).textContent = "good.example";
  plant("a", { href: "https://bad.example/", rel: "nofollow" }).textContent = "bad.example";
  plant("a", { href: "https://bad.example/", rel }).textContent = "bad.example";
}"""


async def echoed(page: Page, text: str) -> Locator:
    """Ask for a hostile text, and return the turn once all of it has arrived."""
    turn = await ask_here(page, f"{SPELLED if len(text) <= SPELLED_CHARS else AT_ONCE}\n{text}")
    await ended(turn)
    return turn


async def findings(page: Page, texts: dict[str, str]) -> dict[str, list[str]]:
    """The traces of hostile texts in an open page, of each when it has arrived and of all after a reload."""
    found: dict[str, list[str]] = {}
    for name, text in texts.items():
        turn = await echoed(page, text)
        await expect(turn.locator(".output")).not_to_be_empty()
        found[name] = await turn.locator(".output").evaluate(FINDINGS)
    await page.reload()
    for place, name in enumerate(texts):
        turn = page.locator("article.turn").nth(place)
        await ended(turn)
        await expect(turn.locator(".output")).not_to_be_empty()
        found[name] += await turn.locator(".output").evaluate(FINDINGS)
    return found


async def test_nothing_of_a_hostile_text_runs_loads_or_leaves(watch: Watch, stack: Stack) -> None:
    pages = [await watch.context.new_page() for _ in range(PAGES)]
    await watch.context.request.get(stack.url)  # one visitor, before the pages would each make one
    # all are open before the first asks: a page that opens shows the messages that others have not sent yet
    await asyncio.gather(*(open_page(page, stack) for page in pages))
    parts = [dict([*CORPUS.items()][number::PAGES]) for number in range(PAGES)]
    looks = [findings(page, part) for page, part in zip(pages, parts, strict=True)]
    found = {name: each for part in await asyncio.gather(*looks) for name, each in part.items()}
    assert found == {name: [] for name in CORPUS}
    assert watch.scripts == []
    assert watch.leaving(stack.url) == []
    assert len(watch.requests) > len(CORPUS), "the watch sees requests at all"


async def test_no_beginning_of_a_hostile_text_shows_anything_that_could_run_load_or_mislead(
    page: Page, watch: Watch, stack: Stack
) -> None:
    await open_page(page, stack)
    seen = {name: await page.evaluate(SPELL, text) for name, text in CORPUS.items()}
    print({name: each["links"] for name, each in seen.items()})
    assert {name: each["found"] for name, each in seen.items() if each["found"]} == {}
    assert {name for name, each in seen.items() if each["links"]} == LINKED, "links are read as such"
    assert min(each["shown"] / len(CORPUS[name]) for name, each in seen.items()) > 0.3, (
        "and the rest is shown"
    )
    assert watch.scripts == []
    assert watch.leaving(stack.url) == []


async def test_what_is_planted_in_an_answer_is_found(page: Page, stack: Stack) -> None:
    turn = await ask(page, stack, "[echo] **harmless** [link](https://example.org/)")
    await ended(turn)
    output = turn.locator(".output")
    assert await output.evaluate(FINDINGS) == []
    await output.evaluate(PLANTED)
    assert len(await output.evaluate(FINDINGS)) == 8


@pytest.mark.parametrize("call", ["canary('planted')", "alert('planted')"])
async def test_the_watch_records_a_script_that_runs(
    page: Page, watch: Watch, stack: Stack, call: str
) -> None:
    await page.goto(stack.url)
    await page.evaluate(call)
    assert [each.endswith("planted") for each in watch.scripts] == [True]


async def test_the_watch_records_a_request_that_leaves(page: Page, watch: Watch, stack: Stack) -> None:
    await page.goto(stack.url)
    async with watch.context.expect_event("request", lambda request: request.url.startswith(ELSEWHERE)):
        await page.evaluate(f"open('{ELSEWHERE}/')")
    assert watch.leaving(stack.url) == [f"{ELSEWHERE}/"]
