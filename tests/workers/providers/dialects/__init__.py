"""Answers in the forms that model servers send: `DIALECTS`, by name."""

from collections.abc import Mapping

from tests.workers.providers.dialects.base import Dialect
from tests.workers.providers.dialects.calls import CALLS
from tests.workers.providers.dialects.forms import FORMS
from tests.workers.providers.dialects.gateways import GATEWAYS
from tests.workers.providers.dialects.hosted import HOSTED
from tests.workers.providers.dialects.local import LOCAL
from tests.workers.providers.dialects.openai import OPENAI

__all__ = ["DIALECTS", "Dialect"]

DIALECTS: Mapping[str, Dialect] = {**OPENAI, **LOCAL, **HOSTED, **GATEWAYS, **FORMS, **CALLS}
