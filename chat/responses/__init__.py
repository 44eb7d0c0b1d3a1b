"""The life of a response: created, queued, ended.

The doors of the web side and the workers import it.
Start with `creation.py`, then `ending.py`.
"""
