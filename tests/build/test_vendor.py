"""The vendored libraries are what the script makes of pinned packages, with licences and versions."""

import json
import shutil
from pathlib import Path

import pytest

from tests.harness.processes import ROOT, run
from tests.harness.skips import skip_without

VENDOR = ROOT / "chat/static/chat/vendor"
FOLDERS = ("highlight", "katex", "lowlight", "marked")
PINNED = json.loads((ROOT / "package.json").read_text())["devDependencies"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders of a new run of the script."""
    node = shutil.which("node")
    if node is None or not (ROOT / "node_modules/esbuild").exists():
        skip_without("Node with the packages of `npm install`")
    place = tmp_path_factory.mktemp("vendor")
    run(node, "build/vendor.mjs", str(place))
    return place


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", FOLDERS)
def test_the_committed_files_are_those_that_the_script_makes(made: Path, name: str) -> None:
    fresh, committed = files(made / name), files(VENDOR / name)
    assert set(committed) == set(fresh)
    differ = [path for path, content in fresh.items() if committed[path] != content]
    assert not differ, "`npm run vendor` writes them again"


def test_the_script_makes_these_folders_and_no_source_map(made: Path) -> None:
    assert {path.name for path in made.iterdir()} == set(FOLDERS)
    assert not list(made.rglob("*.map"))
    assert [path for path in made.rglob("*.js") if "sourceMappingURL" in path.read_text()] == []


@pytest.mark.parametrize("name", FOLDERS)
def test_each_library_has_its_licence_and_version(name: str) -> None:
    versions = dict(line.split() for line in (VENDOR / name / "VERSION").read_text().splitlines())
    assert versions
    assert all(PINNED.get(package, version) == version for package, version in versions.items())
    licence = (VENDOR / name / "LICENSE").read_text()
    assert all(f"{package}\n" in licence for package in versions)
    assert "Copyright" in licence


def test_the_only_fonts_are_woff2_and_the_stylesheet_names_each() -> None:
    fonts = {path.name for path in (VENDOR / "katex/fonts").iterdir()}
    styles = (VENDOR / "katex/katex.css").read_text()
    assert {name.rpartition(".")[2] for name in fonts} == {"woff2"}
    assert all(f"fonts/{name})" in styles for name in fonts)
    assert styles.count("url(") == len(fonts)
