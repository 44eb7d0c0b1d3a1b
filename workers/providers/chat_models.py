"""Choose the first model that can chat from a server's list. Pure."""

import re
from collections.abc import Iterator
from typing import Any

MAX_LIST_BYTES = 8 * 1024 * 1024  # of models; OpenRouter's has 1 MB
MAX_NAME_CHARS = 200
# words of ids and kinds of models that answer no chat
_OTHER = re.compile(
    r"""\b(?:\w*embed\w*|bge|gte|e5|minilm|colbert|\w*rerank\w*|feature\ extraction|similarity
    |whisper|\w*tts|stt|asr|\w*speech\w*|\w*transcri\w+|\w*audio\w*|realtime|voxtral
    |dall|\w*image\w*|flux|sdxl|\w*diffusion\w*|sora|veo|video|clip|ocr
    |\w*moderation\w*|guard|shieldgemma|classif\w+|aqa
    |babbage|davinci|turbo\ instruct|deep\ research|computer\ use)\b""",
    re.VERBOSE | re.IGNORECASE,
)
# of LM Studio and Together, LiteLLM, DeepInfra and Cloudflare, Hugging Face
_KINDS = ("type", "mode", "task", "task_type", "pipeline_tag", "model_type", "kind", "reported_type")
_TO_TEXT = "text to text"  # image-text-to-text and others of Hugging Face take a chat
_CHAT = ("completion_chat", "chat_completion", "chat", "completion", "completions", "generateContent")


def first_chat_model(listing: Any) -> str | None:
    """The id of the first model that can chat; None if there is none.

    Takes OpenAI's `{"data": […]}`, a bare list (Together), and `{"models": […]}` (Ollama, Gemini).
    """
    return next((name for row in rows(listing) if (name := _name(row)) and can_chat(name, row)), None)


def rows(listing: Any) -> Iterator[dict[str, Any]]:
    """The models' rows; none if the list has another form."""
    if isinstance(listing, dict):
        listing = listing.get("data") or listing.get("models")
    if isinstance(listing, list):
        yield from (row for row in listing if isinstance(row, dict))


def _name(row: dict[str, Any]) -> str:
    names = (row[key] for key in ("id", "model", "name") if isinstance(row.get(key), str))
    return next((name for name in names if is_name(name)), "")


def is_name(text: str) -> bool:
    """Whether it can be a model's name: a server's text may be a terminal's command, or a megabyte."""
    return text.isprintable() and 0 < len(text) <= MAX_NAME_CHARS


def can_chat(name: str, row: dict[str, Any]) -> bool:
    """Whether a row's model answers chats; True if the row does not say."""
    if row.get("active") is False:  # Groq
        return False
    capabilities = row.get("capabilities") or row.get("supportedGenerationMethods")
    if False in (_capable(capabilities), _of_architecture(row.get("architecture"))):
        return False
    info = row.get("model_info")  # LiteLLM
    kinds = {**row, **info} if isinstance(info, dict) else row
    words = [_words(value) for value in (name, *map(kinds.get, _KINDS))]
    return not any(_OTHER.search(each) and not each.endswith(_TO_TEXT) for each in words)


def _capable(capabilities: Any) -> bool | None:
    """By a set of flags (Mistral, Azure) or a list (Ollama, llama.cpp); None: they do not say."""
    if isinstance(capabilities, dict):
        flags = [bool(capabilities[name]) for name in _CHAT if isinstance(capabilities.get(name), bool)]
        return any(flags) if flags else None
    if isinstance(capabilities, list) and all(isinstance(each, str) for each in capabilities):
        if any(each in _CHAT for each in capabilities):
            return True
        return False if any(_OTHER.search(each) for each in capabilities) else None
    return None


def _of_architecture(architecture: Any) -> bool | None:
    """By OpenRouter's output, which must be text alone; None: it does not say."""
    if not isinstance(architecture, dict):
        return None
    output = architecture.get("output_modalities")
    if isinstance(output, list):
        return output == ["text"]
    modality = architecture.get("modality")
    return str(modality).endswith("->text") if isinstance(modality, str) else None


def _words(value: Any) -> str:
    """A kind or an id as words: `text-embedding-3` has the word `embedding`."""
    if isinstance(value, dict):  # Cloudflare: {"name": "Text Generation"}
        value = value.get("name")
    return re.sub(r"[^a-zA-Z0-9]+", " ", value) if isinstance(value, str) else ""
