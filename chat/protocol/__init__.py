"""The wire protocol: commands, events, error codes. Pure: no Django, no I/O.

For every room; imports none.
Start with `commands.py` and `events.py`.
"""
