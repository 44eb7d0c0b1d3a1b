"""Servers that people run themselves."""

from typing import Any

from tests.workers.providers.dialects.base import Dialect, compact, counts, delta, events, usage

TIMINGS = {"prompt_n": 3, "prompt_ms": 20.5, "predicted_n": 2, "predicted_ms": 40.25}
NO_CHOICE = {"index": 0, "logprobs": None, "finish_reason": None}
OVERFLOW = {"code": 400, "message": "the request exceeds the context size", "type": "invalid_request_error"}
OLLAMA = {"model": "m", "created_at": "2026-01-01T00:00:00Z"}
OLLAMA_COUNTS: dict[str, Any] = {"total_duration": 5, "prompt_eval_count": 3, "eval_count": 2}
VLLM_ERROR = {
    "object": "error",
    "message": "overloaded",
    "type": "BadRequestError",
    "param": None,
    "code": 400,
}


def ollama(content: str = "", **more: object) -> str:
    """Return a line of /api/chat."""
    message = {"role": "assistant", "content": content}
    return compact(OLLAMA | {"message": message, "done": False} | more)


LOCAL = {
    "vllm": Dialect(
        "vLLM",
        events(
            delta("", role="assistant"),
            delta("v"),
            delta("LLM", stop_reason=None),
            delta("", "stop"),
            usage(2),
        ),
        text="vLLM",
        output_tokens=2,
    ),
    "vllm-continuous-usage": Dialect(
        "vLLM with continuous_usage_stats",
        events(delta("one ") | {"usage": counts(1)}, delta("two", "stop") | {"usage": counts(2)}, usage(2)),
        text="one two",
        output_tokens=2,
    ),
    "vllm-reasoning-content": Dialect(
        "vLLM with a reasoning parser, to 2025",
        events(delta(reasoning_content="hm"), delta("ok", reasoning_content=None), delta(finish="stop")),
        text="ok",
        reasoning="hm",
    ),
    "vllm-reasoning-twice": Dialect(
        "vLLM while the field was renamed",
        events(delta(reasoning="hm", reasoning_content="hm"), delta("ok"), delta(finish="stop")),
        text="ok",
        reasoning="hm",
    ),
    "vllm-tags": Dialect(
        "vLLM without a reasoning parser",
        events(
            delta("<th"),
            delta("ink>\n"),
            delta("hm</thi"),
            delta("nk>\n\no"),
            delta("k"),
            delta(finish="stop"),
        ),
        text="ok",
        reasoning="hm",
    ),
    "vllm-tags-empty": Dialect(
        "Qwen3 without thinking",
        events(delta("<think>\n\n</think>\n\n"), delta("ok"), delta(finish="stop")),
        text="ok",
    ),
    "vllm-tags-later": Dialect(
        "a model that writes about the tag",
        events(delta("Write "), delta("<think>hm</think>"), delta(finish="stop")),
        text="Write <think>hm</think>",
    ),
    "vllm-tags-unclosed": Dialect(
        "a limit inside the reasoning",
        events(delta("<think>hm, </"), delta(finish="length")),
        reasoning="hm, </",
        finish="length",
    ),
    "vllm-abort": Dialect(
        "vLLM that shuts down",
        events(delta("so far"), delta(finish="abort")),
        text="so far",
        code="upstream_error",
    ),
    "vllm-error": Dialect("vLLM to 2025", events(delta("a"), VLLM_ERROR), text="a", code="upstream_error"),
    "aphrodite": Dialect(
        "Aphrodite",
        events(
            delta("Aphrodite"), {"choices": [NO_CHOICE | {"delta": {}, "finish_reason": "stop"}]}, done=None
        ),
        text="Aphrodite",
    ),
    "ollama": Dialect(
        "Ollama, /v1/chat/completions",
        events(delta("Oll", role="assistant"), delta("ama", role="assistant"), delta("", "stop"), usage(2)),
        text="Ollama",
        output_tokens=2,
    ),
    "ollama-reasoning": Dialect(
        "Ollama, /v1/chat/completions",
        events(delta("", reasoning="hm"), delta("ok", reasoning=""), delta("", "stop")),
        text="ok",
        reasoning="hm",
    ),
    "ollama-load": Dialect(
        "Ollama with an empty prompt", events(delta("", "load"), done=None), code="upstream_error"
    ),
    "ollama-native": Dialect(
        "Ollama, /api/chat",
        "\n".join(
            [ollama("Oll"), ollama("ama"), ollama(done=True, done_reason="stop", **OLLAMA_COUNTS), ""]
        ).encode(),
        text="Ollama",
        output_tokens=2,
        content_type="application/x-ndjson",
    ),
    "ollama-native-thinking": Dialect(
        "Ollama, /api/chat",
        "\n".join(
            [
                ollama(message={"role": "assistant", "content": "", "thinking": "hm"}),
                ollama("ok", done=True, done_reason="length"),
            ]
        ).encode(),
        text="ok",
        reasoning="hm",
        finish="length",
        content_type="application/x-ndjson",
    ),
    "ollama-native-error": Dialect(
        "Ollama whose runner stopped",
        (ollama("so far") + '\n{"error":"an error was encountered while running the model"}\n').encode(),
        text="so far",
        code="upstream_error",
        content_type="application/x-ndjson",
    ),
    "llama-cpp": Dialect(
        "llama.cpp",
        events(
            delta(role="assistant", content=None), delta("llama"), delta(finish="stop") | {"timings": TIMINGS}
        ),
        text="llama",
    ),
    "llama-cpp-error-field": Dialect(
        "llama.cpp to 2025: the name of the field is `error`",
        b"error: " + compact(OVERFLOW).encode() + b"\n\ndata: [DONE]\n\n",
        code="context_length_exceeded",
    ),
    "llama-cpp-error": Dialect(
        "llama.cpp", events(delta("a"), {"error": OVERFLOW}), text="a", code="context_length_exceeded"
    ),
    "llama-cpp-python": Dialect(
        "llama-cpp-python: CRLF, with pings",
        b": ping - 2026-01-01\r\n\r\n" + events(delta("py"), delta(finish="stop"), end="\r\n\r\n"),
        text="py",
    ),
    "lm-studio": Dialect(
        "LM Studio",
        events(delta("LM", role="assistant"), delta(" Studio"), delta(finish="stop")),
        text="LM Studio",
    ),
    "lm-studio-error": Dialect(
        "LM Studio: an event named error",
        events(delta("a"), done=None) + b'event: error\ndata: {"message":"Model unloaded"}\n\n',
        text="a",
        code="upstream_error",
    ),
    "lm-studio-native-word": Dialect(
        "LM Studio's own words",
        events(delta("a"), delta(finish="maxPredictedTokensReached")),
        text="a",
        finish="length",
    ),
    "text-generation-webui": Dialect(
        "text-generation-webui: CRLF, and `message` beside `delta`",
        events(
            {"choices": [NO_CHOICE | {"message": {"content": "web"}, "delta": {"content": "web"}}]},
            {
                "choices": [
                    NO_CHOICE
                    | {"message": {"content": ""}, "delta": {"content": ""}, "finish_reason": "stop"}
                ]
            },
            end="\r\n\r\n",
            done=None,
        ),
        text="web",
    ),
    "koboldcpp": Dialect(
        "KoboldCpp: `event: message`",
        b"".join(b"event: message\n" + events(one, done=None) for one in (delta("Kob"), delta("old", "stop")))
        + b"data: [DONE]\n\n",
        text="Kobold",
    ),
    "localai": Dialect(
        "LocalAI: an empty reason in each chunk",
        events(delta("Local", ""), delta("AI", ""), delta("", "stop"), usage(2)),
        text="LocalAI",
        output_tokens=2,
    ),
    "jan": Dialect("Jan", events(delta("Jan"), delta(finish="stop") | {"timings": TIMINGS}), text="Jan"),
    "gpt4all": Dialect(
        "GPT4All: one document, without streaming",
        compact(
            {
                "object": "chat.completion",
                "choices": [{"message": {"content": "four"}, "finish_reason": "stop"}],
            }
        ).encode(),
        text="four",
        content_type="application/json",
    ),
    "mlx-lm": Dialect(
        "mlx-lm: keep-alive comments while the prompt is read",
        b": keepalive 2048/8192\n\n" + events(delta("m"), delta("lx"), delta("", "stop")),
        text="mlx",
    ),
    "tabbyapi": Dialect(
        "TabbyAPI: pings, CRLF",
        b": ping\r\n\r\n"
        + events(delta("Tab", role="assistant"), delta("by"), delta(finish="stop"), end="\r\n\r\n"),
        text="Tabby",
    ),
    "lmdeploy": Dialect(
        "LMDeploy",
        events(delta("LM", role="assistant"), delta("", "stop") | {"usage": counts(1)}),
        text="LM",
        output_tokens=1,
    ),
    "lmdeploy-error": Dialect(
        "LMDeploy", events(delta("LM"), delta("", "error")), text="LM", code="upstream_error"
    ),
    "sglang": Dialect(
        "SGLang",
        events(
            delta("", role="assistant", reasoning_content=None),
            delta("SG", reasoning_content=None, tool_calls=None),
            {
                "choices": [NO_CHOICE | {"delta": {}, "finish_reason": "stop", "matched_stop": 2}],
                "usage": None,
            },
            usage(1),
        ),
        text="SG",
        output_tokens=1,
    ),
    "sglang-abort": Dialect(
        "SGLang", events(delta("SG"), delta("", "abort")), text="SG", code="upstream_error"
    ),
    "tgi": Dialect(
        "TGI: no space",
        events(delta("T", role="assistant"), delta("GI", "eos_token"), prefix="data:", done=None),
        text="TGI",
    ),
    "tgi-done": Dialect("TGI since 2.2", events(delta("T"), delta("GI", "stop"), prefix="data:"), text="TGI"),
    "tgi-error": Dialect(
        "TGI",
        events(
            delta("T"),
            {"error": "Request failed during generation", "error_type": "generation"},
            prefix="data:",
        ),
        text="T",
        code="upstream_error",
    ),
    "nim": Dialect(
        "NVIDIA NIM",
        events(delta("N", role="assistant"), delta("IM") | {"usage": None}, delta("", "stop"), usage(2)),
        text="NIM",
        output_tokens=2,
    ),
    "enumeration": Dialect(
        "a server of Protocol Buffers: words of an enumeration",
        events(delta("Enu"), delta("m", "FINISH_REASON_UNSPECIFIED"), delta("", "FINISH_REASON_STOP")),
        text="Enum",
    ),
}
