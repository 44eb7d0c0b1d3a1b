"""Renders texts with the page's own modules, in the page and under its policy, without a model."""

from typing import Any

from playwright.async_api import Page

# `cuts`: of each text how many characters arrive at once, 0 for all; -n: 1 to n, by a fixed sequence of
# random numbers.
# All in one task: formulas are typeset later, if at all. The clock stands, so that no reading waits: it would
# wait three times as long as the reading before it took. Nothing is laid out: the widths that long tables
# keep depend on the rows so far.
# `links`: every address may be followed, and is shown as it is
RENDER = """async ({ texts, cuts, links }) => {
  const base = new URL("static/chat/", document.baseURI).href;
  const [{ AnswerText }, { GrowingMarkdown }, { MarkdownReader }, { GrowingText }] = await Promise.all(
    ["turns/answer_text.js", "markdown/growing_markdown.js", "markdown/reader.js", "markdown/growing_text.js"]
      .map((name) => import(base + name)));
  const link = (href) => ({ href, host: "" });
  const make = links && {
    markdown: (root) => new GrowingMarkdown(root, new MarkdownReader(link)),
    plain: (root) => new GrowingText(root),
  };
  let seed = 7;
  const random = (count) => (seed = (seed * 16807) % 2147483647) % count;
  const built = (text, cut) => {
    const root = document.createElement("div");
    root.className = "output markdown";
    const answer = make ? new AnswerText(root, make) : new AnswerText(root);
    const show = (part, ended) => { while (!answer.show(part, 0, ended)); };
    if (cut) {
      for (let at = 0; at < text.length; ) {
        at = Math.min(text.length, at + (cut > 0 ? cut : 1 + random(-cut)));
        show(text.slice(0, at), false);
      }
    }
    show(text, true);
    root.normalize();
    return root;
  };
  const failed = (root) => root.querySelector(":scope > .plain") !== null;
  const html = (root) => (failed(root) ? "plain: the parser failed" : root.innerHTML);
  performance.now = () => 0;
  try {
    return texts.map((text, at) => {
      const [first, ...others] = cuts[at].map((cut) => built(text, cut));
      return [first, ...others.map((other) => (other.isEqualNode(first) ? first : other))].map(html);
    });
  } finally {
    delete performance.now;
  }
}"""
WHOLE, RANDOM = 0, -7


async def rendered(page: Page, texts: list[str], *cuts: int, links: bool = False) -> list[list[str]]:
    """The HTML of each text for each way of arriving."""
    return await rendered_each(page, texts, [list(cuts or (WHOLE,))] * len(texts), links=links)


async def rendered_each(
    page: Page, texts: list[str], cuts: list[list[int]], *, links: bool = False
) -> list[list[str]]:
    """The same with each text's own ways."""
    found: Any = await page.evaluate(RENDER, {"texts": texts, "cuts": cuts, "links": links})
    return list(found)
