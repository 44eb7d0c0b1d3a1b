"""Choose a page's built file, unless its sources have changed since it was built."""

import hashlib
import posixpath
import re
from collections.abc import Callable, Iterable

FOLDER = "chat/built/"
DIGEST = re.compile(r"/\*! sources ([0-9a-f]{64}) \*/\n")
STYLES = re.compile(r'^@import "(\./[^"]+)"(?: (\w+))?;$', re.MULTILINE)

Read = Callable[[str], str]


def imported_styles(name: str, read: Read) -> dict[str, str]:
    """The stylesheets that one imports, each with its media."""
    folder = posixpath.dirname(name)
    return {
        posixpath.normpath(posixpath.join(folder, path)): media or "all"
        for path, media in STYLES.findall(read(name))
    }


def digest(sources: Iterable[str], read: Read) -> str:
    """The digest of sources, computed as in build/bundle.mjs."""
    parts = (f"{name}\0{read(name)}\0".encode() for name in sorted(sources))
    return hashlib.sha256(b"".join(parts)).hexdigest()


def current_bundle(name: str, imports: Iterable[str], read: Read) -> str | None:
    """The built file of a module or stylesheet; None if it has none, or one of other sources."""
    built = f"{FOLDER}{posixpath.basename(name)}"
    try:
        found = DIGEST.match(read(built))
    except FileNotFoundError:
        return None
    return built if found and found[1] == digest({name, *imports}, read) else None
