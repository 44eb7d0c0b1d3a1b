"""The wire protocol: commands in, events out, error codes. Pure: no Django, no I/O.

Every room may import it; it imports none.
Start with `commands.py` and `events.py`.
"""
