"""Django's SQLite backend, with kept connections."""
