"""One reader of one response's events, whatever it reads through. Web side only.

`sockets` imports it; the workers may not.
Start with `cursor.py`, then `subscriber.py`.
"""
