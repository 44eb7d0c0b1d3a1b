"""Between web and workers: Redis and the broker. The only room that imports `redis`.

Imported by every room except `protocol`.
Start with `event_log.py`.
"""
