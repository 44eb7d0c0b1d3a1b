"""Makes the pictures of the page: `uv run --project tests python -m tests.browser.screenshots [scene …]`.

With `--look FOLDER` every scene goes there, also those that are not kept, at every width, light and dark:
for a check after a change of the page.

in:  the whole of Tailrace, and a scripted model
out: `docs/screenshots/<scene>.png`, small
"""

import argparse
import asyncio
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.async_api import Browser, async_playwright, expect

from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.scenes import MODELS, OTHERS, SCENES, Scene, Size
from tests.harness.processes import ROOT
from tests.harness.stack import DEPLOYED, Stack, collect_static, running
from tests.harness.waiting import deadline

FOLDER = ROOT / "docs/screenshots"
COLOURS = 256  # of the palette: text on paper needs no more
SIZES: tuple[Size, ...] = ((320, 640), (390, 844), (768, 1024), (1280, 800), (1920, 1080))
TOUCH_BELOW = 800  # wide


def looks(names: list[str], sizes: list[Size]) -> Iterator[tuple[str, Scene]]:
    """Every scene in every look, and what its picture is called."""
    for name, scene in (SCENES | OTHERS).items():
        if names and name not in names:
            continue
        for width, height in sizes:
            for scheme in ("light", "dark"):
                look = replace(scene, size=(width, height), scale=1, scheme=scheme, touch=width < TOUCH_BELOW)
                yield f"{name}-{width}-{scheme}", look


def keep(picture: bytes, path: Path) -> None:
    """Store a picture with a palette, and return its size."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path.name}  {path.stat().st_size} bytes", flush=True)


async def take(browser: Browser, stack: Stack, scene: Scene, path: Path) -> None:
    """Play a scene, and keep its picture."""
    width, height = scene.size
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        device_scale_factor=scene.scale,
        color_scheme=scene.scheme,
        has_touch=scene.touch,
        is_mobile=scene.touch,
    )
    page = await context.new_page()
    await scene.act(page, stack)
    keep(await page.screenshot(animations="disabled", caret="hide"), path)
    await context.close()


async def main(scenes: list[tuple[str, Scene]], folder: Path) -> None:
    """Make the pictures of these scenes."""
    with TemporaryDirectory() as directory:
        static = Path(directory) / "static"
        collect_static(static)
        env = {**DEPLOYED, "TAILRACE_STATIC_ROOT": str(static)}
        with running(Path(directory), 1, None, MODELS, **env) as stack:
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
                expect.set_options(timeout=deadline() * 1000)
                for name, scene in scenes:
                    await take(browser, stack, scene, folder / f"{name}.png")
                await browser.close()


def parse() -> tuple[list[tuple[str, Scene]], Path]:
    """Parse the command line: scenes and their folder."""
    parser = argparse.ArgumentParser(description="Makes the pictures of the page.")
    parser.add_argument("scenes", nargs="*", choices=[[], *SCENES, *OTHERS], metavar="scene")
    parser.add_argument("--look", type=Path, metavar="FOLDER", help="every look of a scene, into this folder")
    parser.add_argument("--width", type=int, nargs="*", help="only these, with --look")
    chosen = parser.parse_args()
    if chosen.look is None:
        return [(name, SCENES[name]) for name in chosen.scenes or SCENES], FOLDER
    chosen.look.mkdir(parents=True, exist_ok=True)
    sizes = [size for size in SIZES if not chosen.width or size[0] in chosen.width]
    return list(looks(chosen.scenes, sizes)), chosen.look


if __name__ == "__main__":
    asyncio.run(main(*parse()))
