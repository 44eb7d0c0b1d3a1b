"""HTTP for browsers: pages, and their JSON.

Web side only: imported by `urls` and `templatetags`.
Start with `views.py`.
"""
