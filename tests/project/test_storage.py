"""Collected files: addresses in stylesheets and modules are hashed, or collecting fails; all are packed."""

import gzip
import re
from hashlib import md5
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from pytest_django import Settings

from project.storage import HashedFiles

HASHED = r"\.[0-9a-f]{12}\."
FILES = {
    "page.js": 'import { a } from "./room/a.js";\nconst late = () => import("./room/late.js");\n',
    "room/a.js": 'export const a = new URL("../styles/late.css", import.meta.url).href;\n',
    "room/late.js": "export const late = 1;\n",
    "styles/late.css": "@font-face{src:url(../fonts/x.woff2)}\n",
    "fonts/x.woff2": "font",
}
LONG = {"long.js": "export const long = [\n" + "  1,\n" * 1000 + "];\n"}


def collected(place: Path, files: dict[str, str]) -> dict[str, str]:
    """The texts of the hashed files."""
    storage = HashedFiles(location=place)
    for name, text in files.items():
        storage.delete(name)
        storage.save(name, ContentFile(text.encode()))
    for _, _, processed in storage.post_process({name: (storage, name) for name in files}):
        if isinstance(processed, Exception):
            raise processed
    return {name: (place / storage.stored_name(name)).read_text() for name in files}


def test_imports_late_imports_and_module_addresses_are_hashed(tmp_path: Path) -> None:
    found = collected(tmp_path, FILES)
    assert re.search(rf'from "\./room/a{HASHED}js"', found["page.js"])
    assert re.search(rf'import\("\./room/late{HASHED}js"\)', found["page.js"])
    assert re.search(rf'new URL\("\.\./styles/late{HASHED}css", import\.meta\.url\)', found["room/a.js"])
    assert re.search(rf"url\(\"?\.\./fonts/x{HASHED}woff2", found["styles/late.css"])


def test_a_changed_address_changes_the_names_of_all_files_that_lead_to_it(tmp_path: Path) -> None:
    names = ["d.js", "deep/c.js", "b.js", "deep/a.js"]  # each file's address is in the one before
    texts = [f'import "/static/{name}";\n' for name in names[1:]]
    before = collected(tmp_path, dict(zip(names, [*texts, "1;\n"], strict=True)))
    after = collected(tmp_path, dict(zip(names, [*texts, "2;\n"], strict=True)))
    for found in (before, after):
        for name, other in pairwise(names):
            root, _, extension = other.rpartition(".")
            digest = md5(found[other].encode(), usedforsecurity=False).hexdigest()[:12]
            assert found[name] == f'import"/static/{root}.{digest}.{extension}";\n'
    assert all(before[name] != after[name] for name in names)


def test_a_file_is_processed_again_only_if_an_address_in_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []
    save = HashedFiles._save

    def noted(storage: HashedFiles, name: str, content: Any) -> str:
        written.append(re.sub(HASHED, ".", name))
        return str(save(storage, name, content))

    monkeypatch.setattr(HashedFiles, "_save", noted)
    files = {"b.js": 'import "./c.js";\n', "c.js": 'import "./d.js";\n', "d.js": "1;\n", "e.js": "1;\n"}
    collected(tmp_path, files)
    assert {name: written.count(name) - 1 for name in files} == {"b.js": 2, "c.js": 1, "d.js": 1, "e.js": 1}


def test_files_that_import_each_other_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="passes exceeded"):
        collected(tmp_path, {"a.js": 'import "./b.js";\n', "b.js": 'import "./a.js";\n'})


def test_the_address_of_no_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"gone\.css"):
        collected(tmp_path, {"a.js": 'new URL("./gone.css", import.meta.url);\n'})


def test_other_addresses_stay(tmp_path: Path) -> None:
    text = "new URL(`./${name}`, import.meta.url); new URL(path, location.href);\n"
    assert collected(tmp_path, {"a.js": text})["a.js"] == text


def compressed(place: Path) -> dict[str, int]:
    """The compressed files and their inodes: to write a file again makes another."""
    return {
        str(path.relative_to(place)): path.stat().st_ino
        for path in place.rglob("*")
        if path.suffix in (".br", ".gz")
    }


def test_files_are_compressed_under_their_hashed_names_alone(tmp_path: Path) -> None:
    collected(tmp_path, LONG)
    first, second = compressed(tmp_path)
    assert re.fullmatch(rf"long{HASHED}js\.(br|gz)", first)
    assert {Path(first).stem, Path(second).stem} == {Path(first).stem}
    assert not [*tmp_path.glob("*.part")]
    place = tmp_path / first.replace(".br", ".gz")
    assert gzip.decompress(place.read_bytes()).decode() == LONG["long.js"]


def test_a_file_is_compressed_once(tmp_path: Path) -> None:
    collected(tmp_path, LONG)
    before = compressed(tmp_path)
    collected(tmp_path, LONG)
    assert compressed(tmp_path) == before


def test_files_for_one_machine_are_compressed_by_gzip_alone(tmp_path: Path, settings: Settings) -> None:
    settings.TAILRACE_BROTLI = False
    collected(tmp_path, LONG)
    before = compressed(tmp_path)
    assert [Path(name).suffix for name in before] == [".gz"]
    collected(tmp_path, LONG)
    assert compressed(tmp_path) == before


@pytest.mark.parametrize("suffix", [".br", ".gz"])
def test_a_compressed_file_that_is_missing_is_written_again(tmp_path: Path, suffix: str) -> None:
    collected(tmp_path, LONG)
    before = compressed(tmp_path)
    next(tmp_path.glob(f"*{suffix}")).unlink()
    collected(tmp_path, LONG)
    assert compressed(tmp_path).keys() == before.keys()


@pytest.mark.slow
def test_vendored_libraries_change_in_their_addresses_only(static_files: Path) -> None:
    vendor = static_files / "chat/vendor"
    hashed = [path for path in vendor.rglob("*.js") if re.search(HASHED, path.name)]
    assert len(hashed) > 100
    for path in hashed:
        plain = (path.parent / re.sub(HASHED, ".", path.name)).read_text()
        assert re.sub(r"(import\(\"[^\"]*)\.[0-9a-f]{12}\.", r"\1.", path.read_text()) == plain
    [table] = (path for path in hashed if path.name.startswith("languages."))
    names = re.findall(r'import\("([^"]+)"\)', table.read_text())
    assert len(names) > 100
    assert all(re.search(HASHED, name) and (table.parent / name).exists() for name in names)
    [styles] = vendor.glob("katex/katex.????????????.css")
    fonts = re.findall(r'url\("?([^")]+)', styles.read_text())
    assert len(fonts) == 20
    assert all(re.search(HASHED, name) and (styles.parent / name).exists() for name in fonts)
