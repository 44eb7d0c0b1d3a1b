"""Django's SQLite backend, with pooled connections."""
