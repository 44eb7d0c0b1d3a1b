"""The list of conversations: its pages, its search, and who is notified of a change.

`responses` and the rooms above it import it.
Start with `listing.py`.
"""
