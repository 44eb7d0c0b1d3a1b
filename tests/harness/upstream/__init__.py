"""A scripted OpenAI-compatible server: the prompt says what it does, see `script`.

By hand: `python -m tests.harness.upstream --port 8100`. In a test: `with Upstream.start() as upstream: …`.
"""

from tests.harness.upstream.client import Upstream
from tests.harness.upstream.record import Record
from tests.harness.upstream.script import text_of

__all__ = ["Record", "Upstream", "text_of"]
