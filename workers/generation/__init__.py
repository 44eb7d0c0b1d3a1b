"""One attempt at one response, and its publishing.

For `supervision`, `runtime` and `tasks`.
Start with `attempt.py`.
"""
