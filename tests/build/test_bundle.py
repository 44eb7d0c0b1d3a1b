"""The built files are those of the sources: `npm run build` after each change of the page."""

import shutil
from pathlib import Path

import pytest

from chat.pages.bundles import current_bundle, imported_styles
from chat.pages.module_preloads import imported_modules
from chat.templatetags import modules
from tests.harness.processes import ROOT, run
from tests.harness.skips import skip_without

STATIC = ROOT / "chat/static"
BUILT = STATIC / "chat/built"
STALE = "a source of the page has changed: run `npm run build` and commit chat/static/chat/built"
IMPORTS = {
    f"chat/{page}.{kind}": read
    for page in ("page", "shared")
    for kind, read in (("js", imported_modules), ("css", imported_styles))
}


@pytest.mark.parametrize("name", IMPORTS)
def test_the_digest_is_that_of_the_sources(name: str) -> None:
    sources = IMPORTS[name](name, modules._source)
    assert current_bundle(name, sources, modules._source) == f"chat/built/{Path(name).name}", STALE


def test_the_committed_files_are_those_that_the_script_makes(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None or not (ROOT / "node_modules/esbuild").exists():
        skip_without("Node with the packages of `npm install`")
    run(node, "build/bundle.mjs", str(tmp_path))
    fresh = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert {path.name: path.read_text() for path in BUILT.iterdir()} == fresh, STALE


def test_what_loads_late_is_no_part_of_the_bundle_and_has_its_address() -> None:
    script = (BUILT / "page.js").read_text()
    assert 'import("../vendor/lowlight/lowlight.js")' in script
    assert "registerLanguage" not in script


def test_every_stylesheet_of_the_page_is_imported() -> None:
    sheets = {
        sheet for page in ("page", "shared") for sheet in imported_styles(f"chat/{page}.css", modules._source)
    }
    files = {f"chat/styles/{path.name}" for path in (STATIC / "chat/styles").iterdir()}
    others = {
        "chat/styles/plain.css",
        "chat/styles/keys.css",
        "chat/styles/sharing.css",
    }  # of other pages, and late ones
    assert files - sheets == others
