"""Look for issues with axe-core, on a page without its policy, which would stop the styles that axe tries."""

from playwright.async_api import Browser, Page

from tests.browser.conftest import profile
from tests.harness.processes import ROOT
from tests.harness.skips import skip_without

AXE = ROOT / "node_modules/axe-core/axe.min.js"
RUN = """async (rules) => (await axe.run(document, {
  resultTypes: ["violations"], ...rules.length && { runOnly: { type: "rule", values: rules } },
})).violations
  .filter(({ impact }) => impact === "serious" || impact === "critical")
  .flatMap(({ id, nodes }) => nodes.map((node) => `${id} ${node.target}: ${node.failureSummary}`))"""


async def page_for_axe(browser: Browser) -> Page:
    """A page in which axe can run."""
    if not AXE.exists():
        skip_without("axe-core (npm install)")
    return await (await profile(browser, bypass_csp=True, reduced_motion="reduce")).new_page()


async def findings(page: Page, *rules: str) -> list[str]:
    """The issues that axe finds in the page as it is now; with names of rules those of these alone."""
    if not await page.evaluate("'axe' in globalThis"):
        await page.evaluate(AXE.read_text())
    return list(await page.evaluate(RUN, rules))
