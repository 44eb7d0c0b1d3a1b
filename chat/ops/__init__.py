"""For operators: health checks. Web side only.

`urls` imports it.
Start with `health.py`.
"""
