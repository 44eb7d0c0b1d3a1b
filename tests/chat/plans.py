"""How the database means to answer a query: only SQLite's plans do not hang on how many rows there are."""

import pytest
from django.db import connection

planned_by_sqlite = pytest.mark.skipif(
    connection.vendor != "sqlite", reason="other databases read few rows without an index"
)
