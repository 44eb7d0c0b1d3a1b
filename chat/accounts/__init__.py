"""Who a user is: guests, sessions, and what revokes a session.

The doors of the web side import it.
Start with `sessions.py`.
"""
