"""Deletion of old rows: sessions, guests, conversations.

For `manage.py tidy` and the workers.
Start with `tidying.py`.
"""
