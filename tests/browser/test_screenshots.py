"""The script of the pictures still works, and its pictures are small."""

from pathlib import Path

import pytest
from PIL import Image
from playwright.async_api import Browser

from tests.browser.screenshots import SCENES, take
from tests.stack import Stack
from tests.upstream.client import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

MAX_BYTES = 150_000


async def test_a_picture_can_be_made(browser: Browser, stack: Stack, tmp_path: Path) -> None:
    path = await take(browser, stack, "phone", tmp_path)
    with Image.open(path) as picture:
        assert picture.size == (780, 1688)
        colours = picture.convert("RGB").getcolors(maxcolors=256)
    assert colours
    assert len(colours) > 20, "there is text on it"
    assert path.stat().st_size < MAX_BYTES


def test_every_scene_has_its_small_picture() -> None:
    sizes = {path.stem: path.stat().st_size for path in (ROOT / "docs/screenshots").glob("*.png")}
    assert sizes.keys() == SCENES.keys()
    assert max(sizes.values()) < MAX_BYTES
