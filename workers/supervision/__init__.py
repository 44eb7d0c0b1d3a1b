"""What a worker process does beside its answers: heartbeats, cancellations, the reaper.

`runtime` imports it.
Start with `reaper.py`.
"""
