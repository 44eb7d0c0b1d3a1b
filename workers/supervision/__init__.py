"""What a worker process does beside its attempts: heartbeats, cancellations, the reaper.

`runtime` imports it.
Start with `reaper.py`.
"""
