"""OpenAI and Azure."""

from tests.workers.providers.dialects.base import DOCUMENT, Dialect, compact, counts, delta, events, usage

SAFE = {"hate": {"filtered": False, "severity": "safe"}}
PROMPT_FILTER = {
    "choices": [],
    "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": SAFE}],
}
ASYNC_FILTER = {
    "choices": [
        {
            "index": 0,
            "finish_reason": None,
            "content_filter_results": SAFE,
            "content_filter_offsets": {"check_offset": 44, "start_offset": 44, "end_offset": 200},
        }
    ]
}
FILTERED = {
    "choices": [{"index": 0, "delta": {}, "finish_reason": "content_filter", "content_filter_results": SAFE}]
}
COMPLETION = {
    "id": "c1",
    "object": "chat.completion",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "All at once"}, "finish_reason": "stop"}
    ],
    "usage": counts(3),
}
FAILURE = {
    "error": {"message": "The server had an error", "type": "server_error", "param": None, "code": None}
}
TOOL_CALL = {"index": 0, "id": "t1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
OBFUSCATED = delta("hid") | {"obfuscation": "xK3f", "usage": None}

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
        refusal="I cannot.",
    ),
    "openai-obfuscation": Dialect(
        "api.openai.com", events(OBFUSCATED, delta("den"), delta(finish="stop")), text="hidden"
    ),
    "openai-error": Dialect(
        "api.openai.com", events(delta("before"), FAILURE, done=None), text="before", code="upstream_error"
    ),
    "openai-error-document": Dialect(
        "a proxy of OpenAI, with status 200",
        compact(FAILURE).encode(),
        content_type=DOCUMENT,
        code="upstream_error",
    ),
    "openai-completion": Dialect(
        "a gateway without streaming",
        compact(COMPLETION).encode(),
        text="All at once",
        output_tokens=3,
        content_type=DOCUMENT,
    ),
    "openai-tool-calls": Dialect(
        "a call after text",
        events(delta("Wait. "), delta(tool_calls=[TOOL_CALL]), delta(finish="tool_calls")),
        text="Wait. ",
        calls=(("look", "t1", "{}"),),
    ),
    "openai-function-call": Dialect(
        "before 2024",
        events(delta(function_call={"name": "look", "arguments": ""}), delta(finish="function_call")),
        calls=(("look", "", ""),),
    ),
    "openai-text-completion": Dialect(
        "/v1/completions",
        events(
            {"object": "text_completion", "choices": [{"text": "Old ", "index": 0, "finish_reason": None}]},
            {
                "object": "text_completion",
                "choices": [{"text": "style", "index": 0, "finish_reason": "stop"}],
            },
        ),
        text="Old style",
    ),
    "openai-two-choices": Dialect(
        "n=2, set by a gateway",
        events(
            delta("one "),
            {"choices": [{"index": 1, "delta": {"content": "other"}, "finish_reason": "length"}]},
            delta("answer"),
            delta(finish="stop"),
        ),
        text="one answer",
    ),
    "azure": Dialect(
        "Azure OpenAI",
        events(PROMPT_FILTER, delta("", role="assistant"), delta("Azure"), delta(finish="stop"), usage(1)),
        text="Azure",
        output_tokens=1,
    ),
    "azure-async-filter": Dialect(
        "Azure OpenAI, asynchronous filter",
        events(
            PROMPT_FILTER, delta("Late "), ASYNC_FILTER, delta("filter"), delta(finish="stop"), ASYNC_FILTER
        ),
        text="Late filter",
    ),
    "azure-filtered": Dialect(
        "Azure OpenAI", events(PROMPT_FILTER, delta("Some"), FILTERED), text="Some", finish="content_filter"
    ),
    "azure-github-models": Dialect(
        "models.github.ai",
        events(PROMPT_FILTER | {"model": "", "object": ""}, delta("Hub"), delta(finish="stop")),
        text="Hub",
    ),
}
