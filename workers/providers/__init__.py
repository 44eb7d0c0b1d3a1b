"""The sources of text: a model's server, or a program.

`generation` imports it; it imports nothing else of the workers.
Start with `base.py`.
"""
