"""The wire: commands in, events out, the errors' codes. Pure: no Django, no I/O.

Everybody may import it; it imports nothing of ours.
Start with `commands.py` and `events.py`.
"""
