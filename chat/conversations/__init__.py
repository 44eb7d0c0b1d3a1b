"""The list of conversations: pages, search, announced changes.

For `responses` and the rooms above.
Start with `listing.py`.
"""
