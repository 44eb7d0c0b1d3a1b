"""A scriptable OpenAI-compatible upstream: what it does is chosen by the model name (see `behaviour`).

By hand: `python -m tests.upstream --port 8100`. In a test: `with Upstream.start() as upstream: …`.
"""

from tests.upstream.behaviour import Behaviour, UnknownModelError, parse, text_of
from tests.upstream.client import Upstream
from tests.upstream.record import Record

__all__ = ["Behaviour", "Record", "UnknownModelError", "Upstream", "parse", "text_of"]
