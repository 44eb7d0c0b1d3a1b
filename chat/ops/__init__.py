"""Health checks for operators.

Web side only: `urls` imports it.
Start with `health.py`.
"""
