"""Makes the pictures of the page: `uv run python -m tests.browser.screenshots [scene …]`.

in:  the whole of Tailrace, and a scripted model that has something to say
out: `docs/screenshots/<scene>.png`, small
"""

import asyncio
import io
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from PIL import Image
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.visitor import ask, ended, refuse_socket
from tests.stack import Stack, running
from tests.upstream.client import ROOT

FOLDER = ROOT / "docs/screenshots"
COLOURS = 256  # of the palette: text on paper needs no more
# what the pictures call them, and what the scripted upstream makes of it
MODELS = {
    "mill-large": "article-246",
    "mill-thinking": "reasoning-30+article-246@25",
    "mill-small": "article-246+cut-after-70",
}
QUESTION = "How does a water mill work?"


@dataclass(frozen=True)
class Scene:
    """One picture: how the browser is set, and what happens before."""

    act: Callable[[Page, Stack], Awaitable[None]]
    size: tuple[int, int] = (1280, 800)
    scale: float = 1
    scheme: Literal["light", "dark"] = "light"


async def answered(page: Page, stack: Stack) -> None:
    """A whole answer, seen from its beginning."""
    await ended(await ask(page, stack, "mill-large", QUESTION))
    await page.mouse.move(640, 300)
    await page.mouse.wheel(0, -5000)
    await expect(page.locator(".turn .input")).to_be_in_viewport()


async def streaming(page: Page, stack: Stack) -> None:
    """An answer in the middle of its list, after its reasoning."""
    turn = await ask(page, stack, "mill-thinking", QUESTION)
    await expect(turn.locator(".output")).to_contain_text("undershot", timeout=15_000)


async def error(page: Page, stack: Stack) -> None:
    """A model whose server breaks off, after an answer that was whole."""
    await ended(await ask(page, stack, "mill-small", QUESTION), "failed")


async def offline(page: Page, stack: Stack) -> None:
    """An old answer, without a connection."""
    await ended(await ask(page, stack, "mill-large", QUESTION))
    await refuse_socket(page)
    await page.reload()
    await expect(page.locator("#connection")).to_have_attribute("data-state", "reconnecting")
    await page.locator("#composer textarea").fill("And what is a tailrace?")


SCENES = {
    "wide": Scene(answered),
    "phone": Scene(answered, size=(390, 844), scale=2),
    "dark": Scene(answered, scheme="dark"),
    "streaming": Scene(streaming),
    "error": Scene(error),
    "offline": Scene(offline),
}


async def take(browser: Browser, stack: Stack, name: str, folder: Path) -> Path:
    """Play a scene, and keep its picture with a palette."""
    scene = SCENES[name]
    width, height = scene.size
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        device_scale_factor=scene.scale,
        color_scheme=scene.scheme,
    )
    page = await context.new_page()
    await scene.act(page, stack)
    picture = Image.open(io.BytesIO(await page.screenshot(animations="disabled", caret="hide")))
    await context.close()
    path = folder / f"{name}.png"
    picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    return path


async def main(names: list[str]) -> None:
    """Make the pictures of these scenes, or of all."""
    FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory() as directory:
        static = str(Path(directory) / "static")
        catalog = [f"{name}={behaviour}" for name, behaviour in MODELS.items()]
        with running(Path(directory), catalog, workers=1, TAILRACE_STATIC_ROOT=static) as stack:
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
                for name in names or SCENES:
                    path = await take(browser, stack, name, FOLDER)
                    print(f"{path.relative_to(ROOT)}  {path.stat().st_size} bytes")
                await browser.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
