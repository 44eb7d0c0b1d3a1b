"""Services with models of their makers or of many."""

from tests.workers.providers.dialects.base import DOCUMENT, Dialect, compact, counts, delta, events, usage

PARTS_THINKING = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]
PARTS_TEXT = [{"type": "text", "text": "ok"}, {"type": "reference", "reference_ids": [1]}]
SUMMARY = [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm", "signature": ""}]}]
DETAILS = [{"type": "reasoning.text", "text": "hm", "format": "unknown", "index": 0}]
PROCESSING = b": OPENROUTER PROCESSING\n\n"
GEMINI = {"object": "chat.completion.chunk", "model": "gemini"}


def gemini(content: str, finish: str | None = None) -> dict[str, object]:
    """Return a chunk without an index."""
    return GEMINI | {
        "choices": [{"delta": {"role": "assistant", "content": content}, "finish_reason": finish}]
    }


def perplexity(words: str, so_far: str, finish: str | None = None) -> dict[str, object]:
    """Return a chunk with the new words and with all words."""
    both = {"delta": {"content": words}, "message": {"role": "assistant", "content": so_far}}
    return {
        "citations": ["u"],
        "choices": [{"index": 0, "finish_reason": finish, **both}],
        "usage": counts(1),
    }


def together(words: str, finish: str | None = None) -> dict[str, object]:
    """Return a chunk with its words twice."""
    return {"choices": [{"index": 0, "text": words, "delta": {"content": words}, "finish_reason": finish}]}


HOSTED = {
    "deepseek": Dialect(
        "api.deepseek.com",
        b": keep-alive\n\n"
        + events(
            delta(None, role="assistant", reasoning_content=""),
            {"choices": [{"index": 0, "delta": {"content": None, "reasoning_content": "hm"}}]},
            {"choices": [{"index": 0, "delta": {"content": "ok", "reasoning_content": None}}]},
            delta("", "stop") | {"usage": counts(2) | {"prompt_cache_hit_tokens": 1}},
        ),
        text="ok",
        reasoning="hm",
        output_tokens=2,
    ),
    "deepseek-overloaded": Dialect(
        "api.deepseek.com",
        b": keep-alive\n\n" * 3 + events(delta("so far"), delta("", "insufficient_system_resource")),
        text="so far",
        code="upstream_error",
    ),
    "deepseek-blank-lines": Dialect(
        "api.deepseek.com, one document after empty lines",
        b"\n\n\n\n"
        + compact(
            {"choices": [{"index": 0, "message": {"content": "ok"}, "finish_reason": "stop"}]}
        ).encode(),
        text="ok",
        content_type=DOCUMENT,
    ),
    "mistral": Dialect(
        "api.mistral.ai: the usage with the reason",
        events(delta("Mis"), delta("tral", "stop") | {"usage": counts(2)}),
        text="Mistral",
        output_tokens=2,
    ),
    "mistral-magistral": Dialect(
        "Magistral: lists of parts",
        events(delta(""), delta(PARTS_THINKING), delta(PARTS_TEXT), delta("!", "stop")),
        text="ok!",
        reasoning="hm",
    ),
    "mistral-model-length": Dialect(
        "api.mistral.ai", events(delta("a"), delta("", "model_length")), text="a", finish="length"
    ),
    "mistral-error": Dialect(
        "api.mistral.ai", events(delta("a"), delta("", "error")), text="a", code="upstream_error"
    ),
    "gemini": Dialect(
        "generativelanguage.googleapis.com/v1beta/openai",
        events(gemini("Gem"), gemini("ini", "stop")),
        text="Gemini",
    ),
    "gemini-camel-case": Dialect(
        "Gemini in 2024",
        events(
            {"choices": [{"delta": {"content": "a"}, "finish_reason": None, "finishReason": "MAX_TOKENS"}]}
        ),
        text="a",
        finish="length",
    ),
    "gemini-native-words": Dialect(
        "a gateway of Gemini", events(gemini("a"), gemini("", "MAX_TOKENS")), text="a", finish="length"
    ),
    "gemini-safety": Dialect(
        "a gateway of Gemini", events(gemini("a"), gemini("", "SAFETY")), text="a", finish="content_filter"
    ),
    "gemini-filter-with-reason": Dialect(
        "Gemini", events(gemini("", "content_filter: PROHIBITED_CONTENT")), finish="content_filter"
    ),
    "gemini-malformed-call": Dialect(
        "Gemini", events(gemini("", "function_call_filter: MALFORMED_FUNCTION_CALL")), code="upstream_error"
    ),
    "gemini-stop-always": Dialect(
        "a gateway of Gemini: each chunk has the reason",
        events(gemini("<think>h", "stop"), gemini("m</think>o", "stop"), gemini("k", "MAX_TOKENS")),
        text="ok",
        reasoning="hm",
        finish="length",
    ),
    "gemini-error-list": Dialect(
        "Gemini: an error in a list",
        b'[{\n  "error": {\n    "code": 503,\n    "status": "UNAVAILABLE"\n  }\n}\n]\n',
        content_type=DOCUMENT,
        code="upstream_error",
    ),
    "vertex": Dialect(
        "Vertex AI",
        events(delta("Ver"), delta("tex", "stop") | {"usage": counts(1)}),
        text="Vertex",
        output_tokens=1,
    ),
    "vertex-enumeration": Dialect(
        "a library's enumeration",
        events(delta("a"), delta("", "FinishReason.RECITATION")),
        text="a",
        finish="content_filter",
    ),
    "openrouter": Dialect(
        "openrouter.ai",
        PROCESSING * 2
        + events(
            delta("", role="assistant", reasoning="hm", reasoning_details=DETAILS),
            delta("ok", reasoning=None, reasoning_details=[]),
            {
                "choices": [
                    {
                        "index": 0,
                        "delta": {"content": ""},
                        "finish_reason": "stop",
                        "native_finish_reason": "odd",
                    }
                ]
            },
            usage(2, provider="p"),
        ),
        text="ok",
        reasoning="hm",
        output_tokens=2,
    ),
    "openrouter-error": Dialect(
        "openrouter.ai: after the first words",
        PROCESSING
        + events(
            delta("so far"), delta("", "error") | {"error": {"code": 502, "message": "Provider disconnected"}}
        ),
        text="so far",
        code="upstream_error",
    ),
    "openrouter-error-in-choice": Dialect(
        "openrouter.ai",
        events(
            {
                "choices": [
                    {"index": 0, "delta": {"content": "a"}, "error": {"code": 502}, "finish_reason": None}
                ]
            }
        ),
        text="a",
        code="upstream_error",
    ),
    "groq": Dialect(
        "api.groq.com",
        events(
            delta("", role="assistant") | {"x_groq": {"id": "r1"}},
            delta("Groq"),
            delta(finish="stop") | {"x_groq": {"id": "r1", "usage": counts(1)}},
        ),
        text="Groq",
        output_tokens=1,
    ),
    "groq-error": Dialect(
        "api.groq.com: an event named error",
        events(delta("Gr"), done=None)
        + b'event: error\ndata: {"error":{"message":"failed"},"status_code":500}\n\n',
        text="Gr",
        code="upstream_error",
    ),
    "together": Dialect(
        "api.together.xyz", events(together("To"), together("gether", "eos")), text="Together"
    ),
    "fireworks": Dialect(
        "api.fireworks.ai",
        events(delta("Fire"), delta(finish="stop") | {"usage": counts(1)}),
        text="Fire",
        output_tokens=1,
    ),
    "cohere": Dialect("a gateway of Cohere", events(delta("Co"), delta("here", "COMPLETE")), text="Cohere"),
    "cohere-toxic": Dialect(
        "a gateway of Cohere",
        events(delta("Co"), delta("", "ERROR_TOXIC")),
        text="Co",
        finish="content_filter",
    ),
    "perplexity": Dialect(
        "api.perplexity.ai: the new words and all words",
        events(perplexity("Per", "Per"), perplexity("plexity", "Perplexity", "stop"), done=None),
        text="Perplexity",
        output_tokens=1,
    ),
    "perplexity-done": Dialect(
        "api.perplexity.ai: all words again at the end",
        events(
            delta("twice?"),
            {"choices": [{"index": 0, "message": {"content": "twice?"}, "finish_reason": "stop"}]},
        ),
        text="twice?",
    ),
    "xai": Dialect(
        "api.x.ai: the usage in each chunk",
        events(delta("x") | {"usage": counts(1)}, delta("AI", "stop") | {"usage": counts(2)}),
        text="xAI",
        output_tokens=2,
    ),
    "moonshot": Dialect(
        "api.moonshot.ai: the usage in the choice",
        events(
            delta("Kimi"),
            {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "usage": counts(1)}]},
        ),
        text="Kimi",
        output_tokens=1,
    ),
    "dashscope": Dialect(
        "dashscope.aliyuncs.com/compatible-mode",
        events(
            {"choices": [{"index": 0, "delta": {"content": None, "reasoning_content": "hm"}}], "usage": None},
            delta("ok", reasoning_content=None),
            delta("", "stop"),
            usage(2),
        ),
        text="ok",
        reasoning="hm",
        output_tokens=2,
    ),
    "zhipu": Dialect(
        "open.bigmodel.cn",
        events(delta("GLM"), delta("", "stop") | {"usage": counts(1)}),
        text="GLM",
        output_tokens=1,
    ),
    "zhipu-sensitive": Dialect(
        "open.bigmodel.cn", events(delta("G"), delta("", "sensitive")), text="G", finish="content_filter"
    ),
    "zhipu-network-error": Dialect(
        "open.bigmodel.cn", events(delta("G"), delta("", "network_error")), text="G", code="upstream_error"
    ),
    "zhipu-error": Dialect(
        "open.bigmodel.cn with status 200",
        b'{"code":500,"msg":"404 NOT_FOUND","success":false}',
        code="upstream_error",
    ),
    "minimax": Dialect(
        "api.minimax.io: an empty role; all words again at the end",
        events(
            delta("Mini", role="") | {"usage": {"total_tokens": 0, "total_characters": 0}},
            delta("Max"),
            {
                "object": "chat.completion",
                "choices": [{"index": 0, "finish_reason": "stop", "message": {"content": "MiniMax"}}],
                "usage": counts(2),
                "base_resp": {"status_code": 0, "status_msg": ""},
            },
        ),
        text="MiniMax",
        output_tokens=2,
    ),
    "minimax-error": Dialect(
        "api.minimax.io with status 200",
        b'{"choices":null,"base_resp":{"status_code":1004,"status_msg":"login fail"}}',
        content_type=DOCUMENT,
        code="upstream_error",
    ),
    "cloudflare": Dialect(
        "Workers AI: `response`",
        events({"response": "Work"}, {"response": "ers"}, {"response": "", "usage": counts(2)}),
        text="Workers",
        output_tokens=2,
    ),
    "cloudflare-error": Dialect(
        "Workers AI with status 200",
        b'{"result":null,"success":false,"errors":[{"code":7009,"message":"Upstream error"}],"messages":[]}',
        content_type=DOCUMENT,
        code="upstream_error",
    ),
    "databricks-claude": Dialect(
        "Databricks: parts with a summary",
        events(delta(SUMMARY), delta("ok"), delta("", "stop")),
        text="ok",
        reasoning="hm",
    ),
    "hugging-face-router": Dialect(
        "router.huggingface.co", events(delta("H"), delta("F", "stop"), usage(2)), text="HF", output_tokens=2
    ),
    "watsonx": Dialect(
        "watsonx.ai: `id`, `event: message`",
        b"id: 1\nevent: message\n" + events(delta("w"), delta("x", "time_limit"), done=None),
        text="wx",
        code="upstream_error",
    ),
    "gigachat-blacklist": Dialect(
        "GigaChat", events(delta("G"), delta("", "blacklist")), text="G", finish="content_filter"
    ),
}
