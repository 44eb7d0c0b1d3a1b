"""A database function: the bytes of a stored text or JSON value."""

from typing import Any

from django.db.models import BigIntegerField, Func


class TextBytes(Func):
    """The size of a column's text; SQLite's JSON counts characters beyond ASCII as escapes, so higher."""

    template = "OCTET_LENGTH((%(expressions)s)::text)"
    output_field = BigIntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """`octet_length` is new in SQLite 3.43."""
        return self.as_sql(compiler, connection, template="LENGTH(CAST(%(expressions)s AS BLOB))", **context)
