"""Models' servers.

For `generation` and `programs`.
Start with `base.py`.
"""
