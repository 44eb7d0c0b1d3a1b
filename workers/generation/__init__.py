"""One attempt at one response, and how its text is published.

`supervision`, `runtime` and `tasks` import it.
Start with `attempt.py`.
"""
