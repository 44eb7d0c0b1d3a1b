"""One reader of a response's events, for every client.

For `sockets`, never workers.
Start with `cursor.py`, then `subscriber.py`.
"""
