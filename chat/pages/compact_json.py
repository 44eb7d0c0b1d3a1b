"""JSON of pages without ASCII escapes: an emoji takes 4 bytes, not 12."""

from typing import Any

from django.core.serializers.json import DjangoJSONEncoder


class CompactEncoder(DjangoJSONEncoder):
    """Without spaces, too. Stored texts have no lone surrogates, so all of it is UTF-8."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options | {"ensure_ascii": False, "separators": (",", ":")})
