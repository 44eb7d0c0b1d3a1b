"""A built file is used only while its sources are those that it was built from."""

import hashlib

import pytest

from chat.pages.bundles import current_bundle, digest, imported_styles

SOURCES = {"chat/page.js": 'import "./a.js";\n', "chat/a.js": "export {};\n"}
WHOLE = hashlib.sha256(b'chat/a.js\0export {};\n\0chat/page.js\0import "./a.js";\n\0').hexdigest()


def bundle_of(files: dict[str, str]) -> str | None:
    def read(name: str) -> str:
        if name not in files:
            raise FileNotFoundError(name)
        return files[name]

    return current_bundle("chat/page.js", ["chat/a.js"], read)


def test_the_digest_is_of_names_and_texts_in_any_order() -> None:
    assert digest(SOURCES, SOURCES.__getitem__) == digest(reversed(SOURCES), SOURCES.__getitem__) == WHOLE


def test_the_built_file_of_these_sources_is_used() -> None:
    assert bundle_of({**SOURCES, "chat/built/page.js": f"/*! sources {WHOLE} */\nx"}) == "chat/built/page.js"


@pytest.mark.parametrize(
    "files",
    [
        SOURCES,
        {**SOURCES, "chat/built/page.js": "x"},
        {**SOURCES, "chat/built/page.js": f"/*! sources {'0' * 64} */\n"},
        {**SOURCES, "chat/a.js": "changed", "chat/built/page.js": f"/*! sources {WHOLE} */\nx"},
    ],
    ids=["none", "no digest", "another digest", "a changed source"],
)
def test_no_other_file_is_used(files: dict[str, str]) -> None:
    assert bundle_of(files) is None


def test_the_stylesheets_come_in_order_with_their_media() -> None:
    text = '/* one */\n@import "./styles/a.css";\n@import "./b.css" print;\nbody {}\n'
    assert imported_styles("chat/page.css", lambda _: text) == {
        "chat/styles/a.css": "all",
        "chat/b.css": "print",
    }
