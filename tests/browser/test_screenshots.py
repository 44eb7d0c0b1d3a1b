"""The script of the pictures still works, and its pictures are small."""

from pathlib import Path

from PIL import Image
from playwright.async_api import Browser

from tests.browser.scenes import SCENES, Scene, empty
from tests.browser.screenshots import looks, take
from tests.harness.processes import ROOT
from tests.harness.stack import Stack

MAX_BYTES = 150_000


async def test_a_picture_can_be_made(browser: Browser, stack: Stack, tmp_path: Path) -> None:
    path = tmp_path / "phone.png"
    await take(browser, stack, Scene(empty, size=(390, 844), scale=2, touch=True), path)
    with Image.open(path) as picture:
        assert picture.size == (780, 1688)
        colours = picture.convert("RGB").getcolors(maxcolors=256)
    assert colours
    assert len(colours) > 20, "there is text on it"
    assert path.stat().st_size < MAX_BYTES


def test_a_scene_is_looked_at_in_both_colours_and_at_each_width_by_a_finger_where_it_is_narrow() -> None:
    seen = dict(looks(["drawer"], [(320, 640), (1280, 800)]))
    assert list(seen) == ["drawer-320-light", "drawer-320-dark", "drawer-1280-light", "drawer-1280-dark"]
    assert {name for name, scene in seen.items() if scene.touch} == {"drawer-320-light", "drawer-320-dark"}
    assert seen["drawer-1280-dark"].scheme == "dark"
    assert seen["drawer-1280-dark"].size == (1280, 800)


def test_every_scene_has_its_small_picture() -> None:
    sizes = {path.stem: path.stat().st_size for path in (ROOT / "docs/screenshots").glob("*.png")}
    assert sizes.keys() == SCENES.keys()
    assert max(sizes.values()) < MAX_BYTES
