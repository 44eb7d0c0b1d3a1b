"""One exchange with a model's server: the connection, refusals of the request, the body of its reply.

Start with `asking.py`: `Asking.ask` requests an answer, again without a field that the server refuses.
"""
