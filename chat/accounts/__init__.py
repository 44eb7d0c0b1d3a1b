"""Who somebody is: guests, sessions, and what ends them.

`responses` and the rooms above it import it.
Start with `sessions.py`.
"""
