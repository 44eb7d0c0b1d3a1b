"""Makes the moving picture of the README: `uv run --project tests python -m tests.browser.recording`.

in:  `manage.py up` with its local model, a browser, and `kill -9` for the worker that writes
out: `docs/recovery.webp`: the page, and above it the workers as their heartbeats show them
"""

import asyncio
import io
import itertools
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import redis
from PIL import Image, ImageDraw, ImageFont
from playwright.async_api import Page, async_playwright, expect

from project.up import running
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.visitor import READY
from tests.harness.processes import ROOT, Process, free_port
from tests.harness.waiting import await_until

FILE = ROOT / "docs/recovery.webp"
MAX_BYTES = 1_000_000
SIZE = (800, 480)  # of the page
STRIP = 52  # the height of the line about the workers
FRAMES_PER_SEC = 12
HOLD_MS = 3000  # of the last frame
PROMPT = "Write a short story about a miller and a river."
KILL_AT_CHARS = 350
MORE_CHARS = 400  # after the other worker has taken over
START_SECS = 120
INK, FAINT, RED, GREEN, PAPER = "#1c1917", "#78716c", "#b91c1c", "#15803d", "#f5f5f4"

Frame = tuple[float, Image.Image]  # the moment, by time.monotonic(), and the picture


@dataclass
class Scene:
    """The page, the workers, and the frames so far."""

    page: Page
    redis: "redis.Redis"
    killed: int | None = None  # a pid
    frames: list[Frame] = field(default_factory=list)

    def workers(self) -> list[dict[str, Any]]:
        """Return the latest heartbeat of each worker, by name."""
        keys: Any = self.redis.keys("*:worker:*")
        found: Any = self.redis.mget(keys) if keys else []
        return sorted((json.loads(text) for text in found if text), key=lambda beat: str(beat["name"]))

    def writer(self) -> int | None:
        """Return the pid of the worker that writes the answer."""
        return next((beat["pid"] for beat in self.workers() if beat["running"]), None)

    def kill_writer(self) -> None:
        """Kill it, as the kernel does when memory is short."""
        self.killed = self.writer()
        assert self.killed is not None
        os.kill(self.killed, signal.SIGKILL)

    async def text(self) -> str:
        """Return the answer on the page so far."""
        return "".join(await self.page.locator(".output").all_inner_texts())

    async def record(self) -> None:
        """Take frames until it is cancelled."""
        while True:
            picture = await self.page.screenshot(animations="disabled", caret="hide")
            self.frames.append((time.monotonic(), self.drawn(picture)))
            await asyncio.sleep(1 / FRAMES_PER_SEC)

    def drawn(self, picture: bytes) -> Image.Image:
        """Return a frame: the line about the workers above the page."""
        frame = Image.new("RGB", (SIZE[0], SIZE[1] + STRIP), PAPER)
        frame.paste(Image.open(io.BytesIO(picture)).convert("RGB"), (0, STRIP))
        pen, font, left = ImageDraw.Draw(frame), ImageFont.load_default(17), 16.0
        for text, colour in self.labels():
            pen.text((left, 15), text, colour, font)
            left += pen.textlength(text, font) + 28
        return frame

    def labels(self) -> Iterator[tuple[str, str]]:
        """Yield the texts of the line, and their colours."""
        for beat in self.workers():
            name, pid = beat["name"].partition("@")[0], beat["pid"]
            if pid == self.killed:
                yield f"{name} (pid {pid}) killed", RED
            elif beat["running"]:
                yield f"{name} (pid {pid}) writes", GREEN
            else:
                yield f"{name} (pid {pid}) waits", FAINT
        if self.killed:
            yield f"$ kill -9 {self.killed}", INK


@contextmanager
def started(directory: Path) -> Iterator[tuple[str, str]]:
    """Run `manage.py up`; yield the addresses of the page and of Redis."""
    port = free_port()
    options = [f"--port={port}", "--no-flower", f"--data-dir={directory / 'data'}"]
    up = Process(directory / "up.log", [sys.executable, "manage.py", "up", *options]).start()
    try:
        up.wait_until(lambda: "Ctrl-C" in up.output().partition("Tailrace runs.")[2], START_SECS)
        variables = running.variables_of(directory / "data")
        assert variables is not None
        yield f"http://127.0.0.1:{port}", str(variables["REDIS_URL"])
    finally:
        up.stop(secs=START_SECS)


async def play(scene: Scene, url: str) -> None:
    """Ask, kill the writer in the middle, and watch another worker continue."""
    page = scene.page
    await page.goto(url)
    await expect(page.locator("#connection")).to_have_attribute("data-state", READY)
    await page.locator("#composer textarea").fill(PROMPT)
    recording = asyncio.create_task(scene.record())
    await page.locator("#composer textarea").press("Enter")

    async def grown(chars: int) -> bool:
        return len(await scene.text()) >= chars and scene.writer() is not None

    await await_until(lambda: grown(KILL_AT_CHARS), START_SECS, "the answer has begun")
    scene.kill_writer()
    length = len(await scene.text())
    await await_until(lambda: grown(length + MORE_CHARS), START_SECS, "another worker continues")
    recording.cancel()
    await asyncio.wait([recording])  # it may be in the middle of a frame


def keep(frames: list[Frame]) -> None:
    """Store the frames as one animated WebP; equal frames become one that is shown longer."""
    kept = frames[:1]
    kept += [
        after for before, after in itertools.pairwise(frames) if after[1].tobytes() != before[1].tobytes()
    ]
    durations = [int((after - before) * 1000) for (before, _), (after, _) in itertools.pairwise(kept)]
    first, *others = [picture for _, picture in kept]
    durations.append(HOLD_MS)
    first.save(
        FILE, save_all=True, append_images=others, duration=durations, loop=0, quality=75, method=4, kmax=1000
    )
    print(f"{FILE.name}  {len(kept)} frames, {sum(durations) / 1000:.0f} s, {FILE.stat().st_size} bytes")
    assert FILE.stat().st_size < MAX_BYTES


async def main() -> None:
    """Record once."""
    with TemporaryDirectory() as directory, started(Path(directory)) as (url, redis_url):
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            context = await browser.new_context(viewport={"width": SIZE[0], "height": SIZE[1]})
            with redis.Redis.from_url(redis_url, decode_responses=True) as client:
                scene = Scene(await context.new_page(), client)
                await play(scene, url)
            await browser.close()
    keep(scene.frames)


if __name__ == "__main__":
    asyncio.run(main())
