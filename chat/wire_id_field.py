"""The field of ids that rows and clients share."""

from typing import Any

from django.db import models

from chat.ids import bare


class WireIdField(models.UUIDField):  # type: ignore[type-arg]  # takes none at run time
    """A UUID that queries also take as clients see it, `resp_<32 hex digits>`."""

    def __init__(self, *args: Any, wire_prefix: str = "", **options: Any) -> None:
        self.wire_prefix = wire_prefix
        super().__init__(*args, **options)

    def deconstruct(self) -> Any:
        """For migrations."""
        name, path, args, options = super().deconstruct()
        return name, path, args, {**options, "wire_prefix": self.wire_prefix}

    def to_python(self, value: Any) -> Any:
        """A UUID. Raises ValidationError."""
        return super().to_python(bare(self.wire_prefix, value) if isinstance(value, str) else value)
