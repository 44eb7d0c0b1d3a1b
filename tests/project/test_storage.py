"""The names of collected files: every address in a stylesheet or a module is hashed, or collecting fails."""

import re
from pathlib import Path

import pytest
from django.core.files.base import ContentFile

from project.storage import HashedFiles

HASHED = r"\.[0-9a-f]{12}\."
FILES = {
    "page.js": 'import { a } from "./room/a.js";\nconst late = () => import("./room/late.js");\n',
    "room/a.js": 'export const a = new URL("../styles/late.css", import.meta.url).href;\n',
    "room/late.js": "export const late = 1;\n",
    "styles/late.css": "@font-face{src:url(../fonts/x.woff2)}\n",
    "fonts/x.woff2": "font",
}


def collected(place: Path, files: dict[str, str]) -> dict[str, str]:
    """The texts of the hashed files."""
    storage = HashedFiles(location=place)
    for name, text in files.items():
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


def test_the_address_of_no_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"gone\.css"):
        collected(tmp_path, {"a.js": 'new URL("./gone.css", import.meta.url);\n'})


def test_other_addresses_stay(tmp_path: Path) -> None:
    text = "new URL(`./${name}`, import.meta.url); new URL(path, location.href);\n"
    assert collected(tmp_path, {"a.js": text})["a.js"] == text


@pytest.mark.system
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
