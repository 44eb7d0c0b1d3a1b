"""What a browser fetches over HTTP: pages, and JSON for them. Web side only.

`urls` and `templatetags` import it.
Start with `views.py`.
"""
