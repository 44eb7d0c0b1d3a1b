"""The benchmark of four designs on the same work. Start: `python -m bench --help`."""
