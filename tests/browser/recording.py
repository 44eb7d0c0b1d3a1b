"""Makes the moving picture of the README: `uv run python -m tests.browser.recording`.

in:  `manage.py up` with its local model, a browser, and `kill -9` for the worker that writes
out: `docs/recovery.webp`: the page, and above it the workers as their heartbeats show them
"""

import asyncio
import io
import json
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import STDOUT, Popen
from tempfile import TemporaryDirectory
from typing import Any

import redis
from PIL import Image, ImageDraw, ImageFont
from playwright.async_api import Page, async_playwright, expect

from project.up import ports
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.harness.upstream.client import ROOT
from tests.harness.waiting import await_until, wait_until

FILE = ROOT / "docs/recovery.webp"
MAX_BYTES = 1_000_000
SIZE = (800, 500)  # of the page
STRIP = 56  # the height of the line about the workers
FRAMES_PER_SEC = 8
HOLD_MS = 3000  # of the first and the last frame
PROMPT = "Write a short story about a miller and a river."
KILL_AT_CHARS = 350
MORE_CHARS = 400  # after the other worker has taken over
START_SECS = 180
INK, FAINT, RED, GREEN, PAPER = "#1c1917", "#78716c", "#b91c1c", "#15803d", "#f5f5f4"


@dataclass
class Scene:
    """The page, the workers, and the frames so far."""

    page: Page
    redis: "redis.Redis[str]"
    killed: dict[str, Any] | None = None
    frames: list[tuple[float, Image.Image]] = field(default_factory=list)

    def workers(self) -> list[dict[str, Any]]:
        """The latest heartbeat of each worker, by name."""
        keys = [f"worker:{name}" for name in self.redis.smembers("workers")]
        beats = [json.loads(beat) for beat in self.redis.mget(keys) if beat] if keys else []
        return sorted(beats, key=lambda beat: str(beat["name"]))

    def writer(self) -> dict[str, Any] | None:
        """The worker that writes the answer."""
        return next((beat for beat in self.workers() if beat["running"]), None)

    def kill_writer(self) -> None:
        """End it as the kernel does when memory is short."""
        self.killed = self.writer()
        assert self.killed is not None
        os.kill(self.killed["pid"], signal.SIGKILL)

    async def text(self) -> str:
        """The answer on the page so far."""
        return await self.page.locator(".output").last.inner_text()

    async def record(self) -> None:
        """Take frames until it is cancelled."""
        while True:
            picture = await self.page.screenshot(animations="disabled", caret="hide")
            self.frames.append((time.monotonic(), self.drawn(picture)))
            await asyncio.sleep(1 / FRAMES_PER_SEC)

    def drawn(self, picture: bytes) -> Image.Image:
        """One frame: the line about the workers, and the page."""
        frame = Image.new("RGB", (SIZE[0], SIZE[1] + STRIP), PAPER)
        frame.paste(Image.open(io.BytesIO(picture)).convert("RGB"), (0, STRIP))
        pen, font = ImageDraw.Draw(frame), ImageFont.load_default(17)
        left = 16
        for text, colour in self.labels():
            pen.text((left, 18), text, colour, font)
            left += int(pen.textlength(text, font)) + 28
        return frame

    def labels(self) -> Iterator[tuple[str, str]]:
        """What the line says, with its colours."""
        killed = self.killed and self.killed["pid"]
        if killed:
            yield f"$ kill -9 {killed}", RED
        for beat in self.workers():
            name = f"{beat['name'].partition('@')[0]} (pid {beat['pid']})"
            if beat["pid"] == killed:
                yield f"{name} killed", RED
            elif beat["running"]:
                yield f"{name} writes", GREEN
            else:
                yield f"{name} waits", FAINT


@contextmanager
def started(directory: Path) -> Iterator[tuple[str, str]]:
    """Run `manage.py up`; yield the addresses of the page and of Redis."""
    log, port = directory / "up.log", ports.pick_free()
    options = [f"--port={port}", "--no-flower", f"--data-dir={directory / 'data'}"]
    with log.open("wb") as output:
        up = Popen([sys.executable, "manage.py", "up", *options], cwd=ROOT, stdout=output, stderr=STDOUT)
    try:
        wait_until(lambda: "Tailrace runs." in log.read_text(), START_SECS, "up is ready")
        address = re.search(r"redis://\S+", log.read_text())
        assert address is not None
        yield f"http://127.0.0.1:{port}", address[0]
    finally:
        up.terminate()
        up.wait()


async def play(scene: Scene, url: str) -> None:
    """Ask, kill the writer in the middle, and see the other one go on."""
    page = scene.page
    await page.goto(url)
    await expect(page.locator("#connection")).to_have_attribute("data-state", "open")
    await page.locator("#composer textarea").fill(PROMPT)
    recording = asyncio.create_task(scene.record())
    await page.locator("#composer textarea").press("Enter")
    await expect(page.locator("article.turn")).to_have_count(1)

    async def grown(chars: int) -> bool:
        return len(await scene.text()) >= chars and scene.writer() is not None

    await await_until(lambda: grown(KILL_AT_CHARS), START_SECS, "the answer has begun")
    scene.kill_writer()
    length = len(await scene.text())
    await await_until(lambda: grown(length + MORE_CHARS), START_SECS, "another worker goes on")
    recording.cancel()
    await asyncio.wait([recording])  # it may be in the middle of a frame


def keep(frames: list[tuple[float, Image.Image]]) -> None:
    """Store the frames as one animated WebP; equal frames become one that is shown longer."""
    kept = [frames[0]]
    for moment, frame in frames[1:]:
        if frame.tobytes() != kept[-1][1].tobytes():
            kept.append((moment, frame))
    moments = [moment for moment, _ in kept]
    durations = [int((after - before) * 1000) for before, after in zip(moments, moments[1:], strict=False)]
    durations = [HOLD_MS // 2, *durations[1:], HOLD_MS]
    first, *others = [frame for _, frame in kept]
    first.save(
        FILE, save_all=True, append_images=others, duration=durations, loop=0, quality=60, method=2
    )
    size = FILE.stat().st_size
    print(f"{FILE.name}  {len(kept)} frames, {sum(durations) / 1000:.0f} s, {size} bytes")
    assert size < MAX_BYTES


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
