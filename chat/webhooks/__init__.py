"""Webhooks: their addresses, signatures and rows, and the messages that have them delivered.

For `responses`, the admin, and for workers.
Start with `recording.py`.
"""
