"""Between web and workers: Redis and the broker. The only room that imports `redis`.

Everybody above `protocol` may import it.
Start with `event_log.py`.
"""
