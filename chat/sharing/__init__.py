"""Links by which people without an account read a conversation.

For `sockets`, `pages` and `admin`.
Start with `links.py`.
"""
