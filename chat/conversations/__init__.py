"""The list of conversations: pages, search, announced changes.

Imported by `responses` and the rooms above.
Start with `listing.py`.
"""
