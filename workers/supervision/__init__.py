"""Heartbeats, cancellations and reaper of a worker process.

For `runtime`.
Start with `reaper.py`.
"""
