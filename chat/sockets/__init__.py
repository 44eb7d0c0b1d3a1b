"""WebSockets.

For `routing` and the ASGI application.
Start with `minimal.py`, then `consumer.py`.
"""
