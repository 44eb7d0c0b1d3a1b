"""User identity: guests, sign-ins, sessions and their end.

For web and workers.
Start with `sessions.py`, then `session_watch.py`.
"""
