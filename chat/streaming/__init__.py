"""One reader of a response's events, for every kind of client.

Web side only: `sockets` imports it, workers may not.
Start with `cursor.py`, then `subscriber.py`.
"""
