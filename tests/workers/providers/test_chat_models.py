"""The first model that can chat: lists of real servers."""

from typing import Any

import pytest

from workers.providers.chat_models import first_chat_model

LISTS: list[tuple[str, Any, str | None]] = [
    ("OpenAI", {"data": [{"id": "text-embedding-3-large"}, {"id": "gpt-4o"}]}, "gpt-4o"),
    (
        "OpenAI, other kinds",
        {
            "data": [
                {"id": name}
                for name in (
                    "dall-e-3",
                    "whisper-1",
                    "tts-1-hd",
                    "gpt-4o-mini-tts",
                    "gpt-image-1",
                    "omni-moderation-latest",
                    "gpt-4o-realtime-preview",
                    "gpt-4o-audio-preview",
                    "gpt-4o-transcribe",
                    "davinci-002",
                    "gpt-3.5-turbo-instruct",
                    "o4-mini-deep-research",
                    "sora-2",
                    "gpt-5-mini",
                )
            ]
        },
        "gpt-5-mini",
    ),
    ("vLLM", {"object": "list", "data": [{"id": "Qwen/Qwen3-8B", "max_model_len": 8192}]}, "Qwen/Qwen3-8B"),
    (
        "vLLM pooling",
        {"data": [{"id": "BAAI/bge-m3"}, {"id": "BAAI/bge-reranker-v2-m3"}, {"id": "intfloat/e5-large"}]},
        None,
    ),
    (
        "Hugging Face, pictures",
        {
            "data": [
                {"id": "a/x", "pipeline_tag": "image-to-text"},
                {"id": "b/y", "pipeline_tag": "text-to-image"},
                {"id": "c/z", "pipeline_tag": "image-text-to-text"},
            ]
        },
        "c/z",
    ),
    ("Audio", {"data": [{"id": "c/z", "pipeline_tag": "audio-text-to-text"}]}, "c/z"),
    ("Ollama", {"data": [{"id": "nomic-embed-text:latest"}, {"id": "llama3.2:3b"}]}, "llama3.2:3b"),
    (
        "Ollama, native",
        {
            "models": [
                {"name": "x:1", "capabilities": ["embedding"]},
                {"name": "y:1", "capabilities": ["completion"]},
            ]
        },
        "y:1",
    ),
    (
        "LM Studio",
        {
            "data": [
                {"id": "all-MiniLM-L6-v2", "type": "embeddings"},
                {"id": "hidden", "type": "embeddings"},
                {"id": "qwen2-vl-7b", "type": "vlm"},
            ]
        },
        "qwen2-vl-7b",
    ),
    (
        "Together",
        [{"id": "a/FLUX.1", "type": "image"}, {"id": "b/x", "type": "rerank"}, {"id": "c/y", "type": "chat"}],
        "c/y",
    ),
    (
        "Mistral",
        {
            "data": [
                {"id": "mistral-m", "capabilities": {"completion_chat": False, "vision": False}},
                {"id": "mistral-small", "capabilities": {"completion_chat": True, "vision": True}},
            ]
        },
        "mistral-small",
    ),
    (
        "Azure",
        {
            "data": [
                {"id": "ada", "capabilities": {"embeddings": True, "chat_completion": False}},
                {"id": "gpt-4o", "capabilities": {"embeddings": False, "chat_completion": True}},
            ]
        },
        "gpt-4o",
    ),
    (
        "LiteLLM",
        {
            "data": [
                {"id": "one", "model_info": {"mode": "embedding"}},
                {"id": "two", "mode": "audio_transcription"},
                {"id": "three", "model_info": {"mode": "chat"}},
            ]
        },
        "three",
    ),
    (
        "OpenRouter",
        {
            "data": [
                {"id": "x/paint", "architecture": {"output_modalities": ["image", "text"]}},
                {"id": "x/old", "architecture": {"modality": "text->image"}},
                {
                    "id": "x/chat",
                    "architecture": {"output_modalities": ["text"], "modality": "text+image->text"},
                },
            ]
        },
        "x/chat",
    ),
    ("Groq", {"data": [{"id": "old", "active": False}, {"id": "new", "active": True}]}, "new"),
    (
        "Gemini",
        {
            "models": [
                {"name": "models/text-x", "supportedGenerationMethods": ["embedContent"]},
                {"name": "models/gemini-x", "supportedGenerationMethods": ["generateContent"]},
            ]
        },
        "models/gemini-x",
    ),
    (
        "Cloudflare",
        {"data": [{"id": "@cf/a", "task": {"name": "Text Embeddings"}}, {"id": "@cf/b", "task": None}]},
        "@cf/b",
    ),
    (
        "Hugging Face",
        {
            "data": [
                {"id": "a", "pipeline_tag": "feature-extraction"},
                {"id": "b", "pipeline_tag": "text-generation"},
            ]
        },
        "b",
    ),
    (
        "llama guard",
        {"data": [{"id": "meta-llama/Llama-Guard-4-12B"}, {"id": "llama-4-scout"}]},
        "llama-4-scout",
    ),
    ("no model", {"data": []}, None),
    ("null", {"data": None}, None),
    ("no list", 5, None),
    ("no rows", {"data": ["gpt-4o", 7, {"id": 5}, {}]}, None),
    (
        "wrong fields",
        {"data": [{"id": "m", "capabilities": 5, "architecture": [], "type": 7, "task": {}}]},
        "m",
    ),
]


@pytest.mark.parametrize(("server", "listing", "name"), LISTS, ids=[row[0] for row in LISTS])
def test_the_first_model_that_can_chat(server: str, listing: Any, name: str | None) -> None:
    assert first_chat_model(listing) == name


@pytest.mark.parametrize(
    "name",
    [
        "gpt-5",
        "claude-opus-4-1",
        "deepseek-chat",
        "deepseek-reasoner",
        "qwen3-coder",
        "llama-3.3-70b-versatile",
        "meta-llama/Llama-3.1-8B-Instruct",
        "mistral-large-latest",
        "gemini-2.5-flash",
        "phi4",
        "gemma3:27b",
        "kimi-k2",
        "smollm2",
    ],
)
def test_a_name_without_such_a_word_can_chat(name: str) -> None:
    assert first_chat_model({"data": [{"id": name}]}) == name


@pytest.mark.parametrize("name", ["a\x1b]0;pwn\x07", "a\nb", "m\ud800", "a" * 201, ""])
def test_a_name_that_cannot_be_shown_is_none(name: str) -> None:
    assert first_chat_model({"data": [{"id": name}, {"id": "gpt-x"}]}) == "gpt-x"
