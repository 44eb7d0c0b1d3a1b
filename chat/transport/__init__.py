"""Redis and the broker, between web and workers. The only room that imports `redis`.

For every room except `protocol`.
Start with `event_log.py`.
"""
