"""User identity: guests, sessions, revocation.

Imported by `sockets` and `pages`.
Start with `sessions.py`.
"""
