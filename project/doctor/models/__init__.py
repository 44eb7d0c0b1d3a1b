"""Ask each model as a worker would, and name the cause of a failure.

For `examination`.
Start with `asking.py`.
"""
