"""The life of a response: created, queued, ended.

For `streaming`, `sockets`, `pages` and the workers.
Start with `creation.py`, then `ending.py`.
"""
