"""The wire protocol, pure: no Django, no Redis, no I/O.

Commands come in (`commands`), events go out (`events`), `draft` is the answer so far that the
events add up to, and `errors` holds every stable code with its fixed sentence.
"""
