"""WebSockets.

Web side only: imported by `routing` and the ASGI application.
Start with `minimal.py`, then `consumer.py`.
"""
