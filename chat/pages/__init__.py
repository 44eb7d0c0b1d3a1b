"""HTTP for browsers: pages, and their JSON.

For `urls` and `templatetags`.
Start with `views.py`.
"""
