"""The list of conversations: pages, search, announced changes.

`responses` and the rooms above it import it.
Start with `listing.py`.
"""
