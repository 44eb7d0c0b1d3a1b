"""`/v1`: OpenAI's API over HTTP.

For the ASGI application.
Start with `endpoint.py`, then `responses.py`.
"""
