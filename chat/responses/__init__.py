"""The life of a response: created, queued, ended.

The web side's sockets and pages and the workers import it.
Start with `creation.py`, then `ending.py`.
"""
