"""Deletion of old rows: sessions, guests, conversations, unused files.

For `manage.py tidy` and the workers.
Start with `tidying.py`.
"""
