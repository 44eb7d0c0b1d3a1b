"""Sources of text: a model's server, or a program.

For `generation`.
Start with `base.py`.
"""
