"""Find a page's ES modules to preload."""

import posixpath
import re
from collections.abc import Callable

# static imports and exports; import() fetches only when called
IMPORT = re.compile(r'^(?:(?:import|export)\s[^";]*?\sfrom|import)\s*"(\.{1,2}/[^"]+)"', re.MULTILINE)


def imported_modules(name: str, read: Callable[[str], str]) -> list[str]:
    """A module's direct and indirect imports, each once, nearest first."""
    found: dict[str, None] = {name: None}
    waiting = [name]
    for module in waiting:
        folder = posixpath.dirname(module)
        imports = [posixpath.normpath(posixpath.join(folder, path)) for path in IMPORT.findall(read(module))]
        fresh = [each for each in dict.fromkeys(imports) if each not in found]
        found.update(dict.fromkeys(fresh))
        waiting += fresh
    return list(found)[1:]
