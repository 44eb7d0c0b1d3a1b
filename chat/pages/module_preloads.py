"""Find the ES modules that a page should preload: all that its module imports, directly or not.

in:  the name of a static file, and a function that reads one
out: the names of the imported files
"""

import posixpath
import re
from collections.abc import Callable

# import … from "./x.js", export … from "./x.js", import "./x.js"; import() fetches when it is called
IMPORT = re.compile(r'^(?:(?:import|export)\s[^";]*?\sfrom|import)\s*"(\.{1,2}/[^"]+)"', re.MULTILINE)


def imported_modules(name: str, read: Callable[[str], str]) -> list[str]:
    """Return the modules that this one imports, directly or not, each once, nearest first."""
    found: dict[str, None] = {name: None}
    waiting = [name]
    for module in waiting:
        folder = posixpath.dirname(module)
        imports = [posixpath.normpath(posixpath.join(folder, path)) for path in IMPORT.findall(read(module))]
        fresh = [each for each in dict.fromkeys(imports) if each not in found]
        found.update(dict.fromkeys(fresh))
        waiting += fresh
    return list(found)[1:]
