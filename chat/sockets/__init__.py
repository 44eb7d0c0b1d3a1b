"""WebSockets.

Web side only: `routing` and the ASGI application import it.
Start with `minimal.py`, then `consumer.py`.
"""
