"""Django's SQLite backend, whose connections are kept for the next one who needs one."""
