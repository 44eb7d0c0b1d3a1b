"""Files of users: storing, reading, claiming by responses.

For `responses`, `retention` and `pages`, and for workers.
Start with `storing.py`.
"""
