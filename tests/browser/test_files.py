"""Files in a real browser: chosen, dropped or pasted, uploaded, sent, and shown again."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, Route, expect

from chat.files.spool import MIB
from tests.browser.conftest import in_session, profile
from tests.browser.test_media import BEYOND, NARROW
from tests.browser.visitor import beside, ended, open_page, row
from tests.browser.watch import Watch
from tests.harness.pictures import png
from tests.harness.stack import Stack
from tests.harness.upstream.digests import digest_of
from tests.harness.waiting import await_until

MODEL, BLIND = "scripted-vision", "scripted"
QUESTION = "[words-3] What is in these pictures?"
LOADED = "(image) => image.complete && image.naturalWidth > 0"
COPY = """async (bytes) => navigator.clipboard.write(
  [new ClipboardItem({ "image/png": new Blob([Uint8Array.from(bytes)], { type: "image/png" }) })])"""


@dataclass(frozen=True)
class Picture:
    """A picture on the reader's disk."""

    path: Path
    content: bytes

    @property
    def digest(self) -> str:
        """As the model gets it."""
        return digest_of("image/png", self.content)


def written(path: Path, content: bytes) -> Picture:
    path.write_bytes(content)
    return Picture(path, content)


@pytest.fixture
def picture(tmp_path: Path) -> Picture:
    return written(tmp_path / "depths.png", png(40))


@in_session()
async def composer(page: Page, stack: Stack) -> Locator:
    """The form of a visitor's page, with a model that takes pictures."""
    await open_page(page, stack)
    await page.locator("#model").select_option(MODEL)
    return page.locator("#composer")


async def choose(page: Page, *paths: Path) -> None:
    """Use the button, by the keyboard."""
    async with page.expect_file_chooser() as chooser:
        await page.get_by_role("button", name="Add files").press("Enter")
    await (await chooser.value).set_files(paths)


async def drop(page: Page, path: Path) -> None:
    """Drag a file from the desktop over the page and drop it, as the operating system reports it."""
    devtools = await page.context.new_cdp_session(page)
    data: dict[str, Any] = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver"):
        await devtools.send("Input.dispatchDragEvent", {"type": kind, "x": 300, "y": 200, "data": data})
    await expect(page.locator("body")).to_have_attribute("data-dropping", "")
    await devtools.send("Input.dispatchDragEvent", {"type": "drop", "x": 300, "y": 200, "data": data})
    await expect(page.locator("body")).not_to_have_attribute("data-dropping", "")


async def paste(page: Page, content: bytes) -> None:
    """Copy a picture, and paste it into the message."""
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.evaluate(COPY, list(content))
    await page.locator("#message").press("Control+V")


async def uploaded(page: Page, count: int) -> None:
    """Wait until so many files are uploaded, and no other one is there."""
    await expect(page.locator('.file-chip[data-state="uploaded"]')).to_have_count(count)
    await expect(page.locator(".file-chip")).to_have_count(count)


async def shown(turn: Locator) -> list[str]:
    """The names of a question's pictures, once all have been loaded."""
    pictures = turn.locator(".sent-files img")
    for place in range(await pictures.count()):
        await pictures.nth(place).scroll_into_view_if_needed()

        async def is_loaded(at: int = place) -> bool:
            return bool(await pictures.nth(at).evaluate(LOADED))

        await await_until(is_loaded, 20, "the picture is loaded")
    return [str(await image.get_attribute("alt")) for image in await pictures.all()]


async def test_pictures_are_chosen_dropped_and_pasted_and_shown_with_the_question(
    page: Page, browser: Browser, composer: Locator, stack: Stack, picture: Picture, tmp_path: Path
) -> None:
    dropped = written(tmp_path / "weir.png", png(20))
    await choose(page, picture.path)
    await uploaded(page, 1)
    await drop(page, dropped.path)
    await uploaded(page, 2)
    await paste(page, png(10))
    await uploaded(page, 3)
    await page.locator("#message").fill(QUESTION)
    await page.locator("#message").press("Enter")
    await expect(page.locator(".file-chip")).to_have_count(0)
    turn = page.locator("article.turn")
    await ended(turn)
    names = await shown(turn)
    assert names == ["depths.png", "weir.png", "image.png"]
    await expect(turn.locator(".input")).to_have_text(QUESTION)

    (request,) = stack.upstream.requests(QUESTION)
    pasted = await turn.locator(".sent-files a").nth(2).get_attribute("href")
    reply = await page.context.request.get(f"{stack.url}{pasted}")
    assert request.files == [picture.digest, dropped.digest, digest_of("image/png", await reply.body())]

    await page.reload()
    assert await shown(turn) == names
    device = await profile(browser, storage_state=await page.context.storage_state())
    other = await beside(device, page.url)
    assert await shown(other.locator("article.turn")) == names
    async with other.expect_popup() as opening:
        await other.locator(".sent-files a").first.click()
    opened = await opening.value
    await await_until(lambda: opened.locator("img").evaluate(LOADED), 20, "the picture is opened")


async def test_an_upload_that_fails_keeps_the_file_and_the_text_and_is_retried(
    page: Page, watch: Watch, composer: Locator, stack: Stack, picture: Picture
) -> None:
    await page.context.set_offline(True)
    await page.locator("#message").fill("[words-3] Sent later")
    await choose(page, picture.path)
    chip = page.locator(".file-chip")
    await expect(chip).to_contain_text("Not uploaded. The server is unavailable. Try again in a moment.")
    await expect(page.locator("#notice")).to_contain_text("depths.png was not uploaded.")
    await expect(page.locator("#send")).to_be_disabled()
    await page.context.set_offline(False)
    await page.get_by_role("button", name="Upload depths.png again").click()
    await uploaded(page, 1)
    await expect(page.locator("#notice")).to_be_empty()
    await page.reload()  # the stored file is kept with the draft
    await uploaded(page, 1)
    await expect(page.locator("#message")).to_have_value("[words-3] Sent later")
    await page.locator("#send").click()
    await ended(page.locator("article.turn"))
    (request,) = stack.upstream.requests("[words-3] Sent later")
    assert request.files == [picture.digest]
    watch.errors = [error for error in watch.errors if "ERR_INTERNET_DISCONNECTED" not in error]


async def test_files_that_cannot_be_sent_are_refused_by_name_before_their_upload(
    page: Page, watch: Watch, composer: Locator, picture: Picture, tmp_path: Path
) -> None:
    large = written(tmp_path / "large.png", picture.content + bytes(10 * MIB))
    archive = written(tmp_path / "archive.zip", b"PK\x03\x04")
    notice = page.locator("#notice")
    await choose(page, large.path)
    await expect(notice).to_have_text(
        "large.png was not added: it is larger than 10 MiB. Add a smaller copy, or a part of it."
    )
    await choose(page, archive.path)
    await expect(notice).to_contain_text("archive.zip was not added: it is no PNG, JPEG")
    await expect(page.locator(".file-chip")).to_have_count(0)
    assert [each.url for each in watch.requests if "/files/" in each.url] == []

    await choose(page, picture.path)
    await uploaded(page, 1)
    await expect(page.locator("#send")).to_be_enabled()  # a file needs no text
    await page.locator("#model").select_option(BLIND)
    await expect(notice).to_contain_text(f"{BLIND} takes text files only.")
    await expect(page.locator("#send")).to_be_disabled()
    await drop(page, picture.path)
    await expect(notice).to_contain_text(f"depths.png: {BLIND} takes text files only.")
    await page.get_by_role("button", name="Remove depths.png").click()
    await expect(notice).to_be_empty()
    await expect(page.locator(".file-chip")).to_have_count(0)
    await expect(page.locator("#message")).to_be_focused()


async def test_a_question_may_be_a_file_alone_on_the_narrowest_screen(
    page: Page, composer: Locator, picture: Picture, tmp_path: Path
) -> None:
    await page.set_viewport_size(NARROW)  # type: ignore[arg-type]  # a plain dict is a size
    notes = tmp_path / f"{'deep' * 40}.txt"
    notes.write_text("Two metres.")
    await choose(page, picture.path, notes)
    await uploaded(page, 2)
    assert await page.evaluate(BEYOND) == []
    await page.locator("#send").click()
    turn = page.locator("article.turn")
    await ended(turn)
    await expect(turn.locator(".input")).to_be_hidden()
    assert await shown(turn) == ["depths.png"]
    await expect(turn.get_by_role("link", name=notes.name)).to_be_visible()
    assert await page.evaluate(BEYOND) == []
    await expect(page.locator("#title")).to_have_text("depths.png")
    await expect(row(page, "depths.png")).to_have_count(1)


LARGE_TEXT = "\n".join(f"{number} Zwei Meter ≈ 2 m 🌊" for number in range(14_000))[:300_000]


async def test_a_long_text_file_and_a_large_picture_are_asked_about_through_an_outage(
    page: Page, watch: Watch, composer: Locator, stack: Stack, tmp_path: Path
) -> None:
    text, script = written(tmp_path / "log.txt", LARGE_TEXT.encode()), "[words-3] What is in both?"
    large = written(tmp_path / "large.png", png(1_100))
    assert len(LARGE_TEXT) == 300_000
    assert len(large.content) > 3_000_000
    interrupted = asyncio.Event()

    async def interrupt(route: Route) -> None:
        await page.context.set_offline(True)
        await route.abort("internetdisconnected")
        interrupted.set()

    await page.route("**/files/?filename=large.png", interrupt, times=1)
    await page.locator("#message").fill(script)
    await choose(page, text.path, large.path)
    picture = page.locator(".file-chip", has_text="large.png")
    await interrupted.wait()
    await expect(picture).to_contain_text("Not uploaded.")
    await expect(page.locator("#message")).to_have_value(script)
    await expect(page.locator(".file-chip")).to_have_count(2)
    await page.context.set_offline(False)
    await expect(page.locator('.file-chip[data-state="uploading"]')).to_have_count(0)
    retry = page.locator('.file-chip[data-state="failed"] .retry-upload')
    while await retry.count():
        await retry.first.click()
    await uploaded(page, 2)
    await page.locator("#send").click()
    await ended(page.locator("article.turn"))
    (asked,) = [each for each in stack.upstream.requests() if each.prompt.startswith(script)]
    texts = [part["text"] for part in asked.messages[-1]["content"] if part["type"] == "text"]
    assert texts == [script, f"File log.txt:\n\n{LARGE_TEXT}"]
    assert asked.files == [large.digest]
    watch.errors = [error for error in watch.errors if "ERR_INTERNET_DISCONNECTED" not in error]


async def test_a_model_without_pictures_is_asked_about_a_text_file(
    page: Page, composer: Locator, stack: Stack, tmp_path: Path
) -> None:
    notice = page.locator("#notice")
    await page.locator("#model").select_option("scripted-small")
    long = written(tmp_path / "long.txt", b"a" * 6_000)
    await choose(page, long.path)
    await expect(notice).to_contain_text(
        "long.txt was not added: it has about 2,008 tokens, and this model takes 1,000."
    )
    broken = written(tmp_path / "broken.txt", b"Zwei Meter \xe2")
    await choose(page, broken.path)
    await expect(notice).to_contain_text("broken.txt was not added: it is no PNG")
    notes = written(tmp_path / "notes.txt", b"Two metres.")
    await drop(page, notes.path)
    await uploaded(page, 1)
    await page.locator("#message").fill("[words-3] How deep?")
    await page.locator("#send").click()
    await ended(page.locator("article.turn"))
    (asked,) = stack.upstream.requests("[words-3] How deep?\n\nFile notes.txt:\n\nTwo metres.")
    assert asked.messages[-1]["content"] == "[words-3] How deep?\n\nFile notes.txt:\n\nTwo metres."
