"""A scriptable OpenAI-compatible upstream, whose behaviour is set by the model name (see `behaviour`).

By hand: `python -m tests.harness.upstream --port 8100`. In a test: `with Upstream.start() as upstream: …`.
"""

from tests.harness.upstream.behaviour import Behaviour, UnknownModelError, parse, text_of
from tests.harness.upstream.client import Upstream
from tests.harness.upstream.record import Record

__all__ = ["Behaviour", "Record", "UnknownModelError", "Upstream", "parse", "text_of"]
