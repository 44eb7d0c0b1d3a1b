"""Heartbeats, cancellations, reaper, health and deletion of old rows of a worker process.

For `runtime`.
Start with `reaper.py`.
"""
