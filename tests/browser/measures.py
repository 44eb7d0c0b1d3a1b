"""Measure a page in the browser: long tasks, layout shifts, memory.

in:  a page that has not loaded its document yet
out: statistics, at any time
"""

from dataclasses import dataclass
from typing import Any, Self

from playwright.async_api import CDPSession, Page

# `takeRecords` returns the entries that no callback has received yet
SCRIPT = """
const observe = (type) => {
  const entries = [];
  const observer = new PerformanceObserver((list) => entries.push(...list.getEntries()));
  observer.observe({ type, buffered: true });
  return () => entries.concat(observer.takeRecords());
};
const [tasks, shifts] = [observe("longtask"), observe("layout-shift")];
const nameOf = ({ node, currentRect: at }) => `${node?.className || node?.nodeName} at ${at.x} ${at.y}`;
// the mark after the last word is no node, is small, and moves on purpose
const isMark = ({ node, currentRect: { width, height } }) => !node && width * height < 400;
let began = 0;
const counts = (entry) => entry.startTime >= began;
globalThis.beginMeasure = () => (began = performance.now());
globalThis.measured = () => ({
  tasks: tasks().filter(counts).map(({ duration }) => duration),
  shifts: shifts().filter((each) => counts(each) && !each.hadRecentInput && !each.sources.every(isMark))
    .map(({ value, sources }) => ({ value, moved: sources.map(nameOf) })),
});
"""


@dataclass(frozen=True)
class Stats:
    """Of a page, from `begin` on."""

    longest_task_ms: float  # 0 if none took 50 ms
    long_tasks: int
    shift: float  # the sum of all layout shifts that the reader did not cause
    moved: list[str]
    heap_mb: float  # after a collection
    nodes: int

    def __str__(self) -> str:
        return (
            f"longest task {self.longest_task_ms:.0f} ms ({self.long_tasks} over 50 ms), layout shift "
            f"{self.shift:.4f}, heap {self.heap_mb:.1f} MB, {self.nodes} nodes"
        )


class Measures:
    """Observes one page."""

    def __init__(self, page: Page, devtools: CDPSession) -> None:
        self._page = page
        self._devtools = devtools

    @classmethod
    async def of(cls, page: Page) -> Self:
        """Observe a page from its next document on."""
        devtools = await page.context.new_cdp_session(page)
        await devtools.send("Performance.enable")
        await page.add_init_script(f"{{ {SCRIPT} }}")
        return cls(page, devtools)

    async def begin(self) -> None:
        """Drop the records so far, of the load of the page."""
        await self._page.evaluate("beginMeasure()")

    async def stats(self) -> Stats:
        """The statistics up to now, after a garbage collection."""
        seen: dict[str, Any] = await self._page.evaluate("measured()")
        await self._devtools.send("HeapProfiler.collectGarbage")
        metrics = (await self._devtools.send("Performance.getMetrics"))["metrics"]
        values = {metric["name"]: metric["value"] for metric in metrics}
        return Stats(
            longest_task_ms=max(seen["tasks"], default=0.0),
            long_tasks=len(seen["tasks"]),
            shift=sum(shift["value"] for shift in seen["shifts"]),
            moved=[name for shift in seen["shifts"] for name in shift["moved"]],
            heap_mb=values["JSHeapUsedSize"] / 1e6,
            nodes=int(values["Nodes"]),
        )
