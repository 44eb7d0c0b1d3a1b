"""`/v1/chat/completions`: OpenAI's chat completions, which are responses of another form.

For the addresses of the API. `request`, `messages`, `tools`, `chunks` and `completion` are pure.
Start with `request.py` and `chunks.py`.
"""
