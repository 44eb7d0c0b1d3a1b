"""`manage.py doctor`: check a deployment.

`examination` runs one module per part: each queries first, then judges figures.
"""
