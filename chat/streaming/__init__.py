"""One reader of a response's events, for every client.

Web side only: imported by `sockets`, never by workers.
Start with `cursor.py`, then `subscriber.py`.
"""
