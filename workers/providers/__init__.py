"""Sources of text: a model's server, or a program.

For `generation`; imports nothing of `workers`.
Start with `base.py`.
"""
