"""User identity: guests, sessions, revocation.

For `sockets` and `pages`.
Start with `sessions.py`.
"""
