"""Who a user is: guests, sessions, and what revokes a session.

`responses` and the rooms above it import it.
Start with `sessions.py`.
"""
