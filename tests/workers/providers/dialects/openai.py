"""OpenAI and Azure."""

from tests.workers.providers.dialects.base import Dialect, delta, events, usage

OPENAI = {
    "openai": Dialect(
        "api.openai.com",
        events(delta("", role="assistant"), delta("Hé "), delta("🌊"), delta(finish="stop"), usage(2)),
        text="Hé 🌊",
        output_tokens=2,
    ),
    "openai-length": Dialect(
        "api.openai.com", events(delta("cut"), delta(finish="length")), text="cut", finish="length"
    ),
    "openai-refusal": Dialect(
        "api.openai.com",
        events(delta("", refusal=None), delta(refusal="I can"), delta(refusal="not."), delta(finish="stop")),
        text="I cannot.",
    ),
}
