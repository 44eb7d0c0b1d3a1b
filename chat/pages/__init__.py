"""HTTP for browsers: pages, and JSON for them.

Web side only: `urls` and `templatetags` import it.
Start with `views.py`.
"""
