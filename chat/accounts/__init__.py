"""User identity: guests, sessions, revocation.

The web side's sockets and pages import it.
Start with `sessions.py`.
"""
