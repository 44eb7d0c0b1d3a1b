"""Health checks for operators.

For `urls`.
Start with `health.py`.
"""
