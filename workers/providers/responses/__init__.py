"""OpenAI's Responses API: requests, events, and runs that outlive their workers.

Start with `api.py`: `response` yields one answer over all its connections.
"""
