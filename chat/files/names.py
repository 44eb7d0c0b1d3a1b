"""File names of clients: shown, sent back and passed to models, never a path of ours."""

import re
import unicodedata

MAX_CHARS = 200
MAX_SUFFIX_CHARS = 20
UNNAMED = "file"


def clean(name: str) -> str:
    """The last part of a path, without control, format and unpaired surrogate characters; never empty.

    Those could forge a header or a line of a log, or reverse the order in which a name is shown.
    """
    last = re.split(r"[/\\]", name)[-1]
    visible = "".join(char for char in last if unicodedata.category(char)[0] != "C").strip()
    if not visible.strip("."):
        return UNNAMED
    if len(visible) <= MAX_CHARS:
        return visible
    stem, dot, suffix = visible.rpartition(".")
    suffix = f"{dot}{suffix}" if stem and len(suffix) < MAX_SUFFIX_CHARS else ""
    return visible[: MAX_CHARS - len(suffix)] + suffix
