"""Operations on indexes while the site runs."""

from typing import Any

from django.db.migrations.operations.base import Operation


class Concurrently(Operation):
    """An operation for PostgreSQL, which locks no rows, and the usual one for other databases."""

    def __init__(self, on_postgresql: Operation, elsewhere: Operation) -> None:
        self.on_postgresql, self.elsewhere = on_postgresql, elsewhere

    def state_forwards(self, app_label: str, state: Any) -> None:
        self.elsewhere.state_forwards(app_label, state)

    def database_forwards(self, app_label: str, schema_editor: Any, *states: Any) -> None:
        self._of(schema_editor).database_forwards(app_label, schema_editor, *states)

    def database_backwards(self, app_label: str, schema_editor: Any, *states: Any) -> None:
        self._of(schema_editor).database_backwards(app_label, schema_editor, *states)

    def describe(self) -> str:
        return self.elsewhere.describe()

    def _of(self, schema_editor: Any) -> Operation:
        return self.on_postgresql if schema_editor.connection.vendor == "postgresql" else self.elsewhere
