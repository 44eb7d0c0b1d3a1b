"""Gateways before other servers."""

from tests.workers.providers.dialects.base import DOCUMENT, Dialect, compact, counts, delta, events

MESSAGE = {"role": "assistant", "content": "whole"}

GATEWAYS = {
    "litellm": Dialect(
        "LiteLLM",
        events(
            delta(
                "",
                role="assistant",
                reasoning_content="hm",
                thinking_blocks=[{"type": "thinking", "thinking": "hm"}],
            ),
            delta("ok", provider_specific_fields=None),
            delta(finish="stop"),
            delta() | {"usage": counts(2)},
        ),
        text="ok",
        reasoning="hm",
        output_tokens=2,
    ),
    "litellm-error": Dialect(
        "LiteLLM: the error as text",
        events(delta("a"), {"error": "litellm.APIError: overloaded"}, done=None),
        text="a",
        code="upstream_error",
    ),
    "bedrock-gateway": Dialect(
        "a gateway of Bedrock",
        events(delta("Bed"), delta("rock"), delta("", "end_turn"), {"choices": [], "usage": counts(2)}),
        text="Bedrock",
        output_tokens=2,
    ),
    "bedrock-reasoning-object": Dialect(
        "Envoy AI Gateway before Bedrock",
        events(delta(reasoning_content={"text": "hm"}), delta("ok"), delta("", "stop")),
        text="ok",
        reasoning="hm",
    ),
    "bedrock-guardrail": Dialect(
        "a gateway of Bedrock",
        events(delta("B"), delta("", "guardrail_intervened")),
        text="B",
        finish="content_filter",
    ),
    "anthropic-max-tokens": Dialect(
        "a gateway of Anthropic", events(delta("Cl"), delta("", "max_tokens")), text="Cl", finish="length"
    ),
    "anthropic-window": Dialect(
        "a gateway of Anthropic",
        events(delta("Cl"), delta("", "model_context_window_exceeded")),
        text="Cl",
        finish="length",
    ),
    "anthropic-refusal": Dialect(
        "a gateway of Anthropic",
        events(delta("Cl"), delta("", "refusal")),
        text="Cl",
        finish="content_filter",
    ),
    "anthropic-pings": Dialect(
        "a gateway of Anthropic",
        b'event: ping\ndata: {"type":"ping"}\n\n' + events(delta("Claude"), delta("", "stop_sequence")),
        text="Claude",
    ),
    "anthropic-error": Dialect(
        "a gateway of Anthropic",
        events(delta("Cl"), done=None)
        + b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error"}}\n\n',
        text="Cl",
        code="upstream_error",
    ),
    "error-event-of-words": Dialect(
        "a gateway: an event named error without JSON",
        events(delta("a"), done=None) + b"event: error\ndata: upstream connect error\n\n",
        text="a",
        code="upstream_error",
    ),
    "fastapi-detail": Dialect(
        "FastAPI with status 200",
        b'{"detail":"Internal error"}',
        content_type=DOCUMENT,
        code="upstream_error",
    ),
    "message-only": Dialect(
        "a gateway with status 200",
        b'{"message":"no Route matched"}',
        content_type=DOCUMENT,
        code="upstream_error",
    ),
    "message-for-delta": Dialect(
        "a gateway: `message` in each chunk",
        events(
            {"choices": [{"index": 0, "message": {"content": "mes"}}]},
            {"choices": [{"index": 0, "message": {"content": "sage"}, "finish_reason": "stop"}]},
        ),
        text="message",
    ),
    "null-delta": Dialect(
        "a gateway: `delta` is null",
        events(delta("a"), {"choices": [{"delta": None, "finish_reason": "stop"}]}),
        text="a",
    ),
    "completion-in-event": Dialect(
        "a gateway: one completion as one event",
        events(
            {
                "object": "chat.completion",
                "choices": [{"index": 0, "message": MESSAGE, "finish_reason": "stop"}],
            }
        ),
        text="whole",
    ),
    "completion-without-reason": Dialect(
        "a gateway",
        compact({"choices": [{"index": 0, "message": MESSAGE, "finish_reason": None}]}).encode(),
        text="whole",
        content_type=DOCUMENT,
    ),
    "done-without-reason": Dialect("a gateway", events(delta("all of "), delta("it")), text="all of it"),
    "no-reason-no-done": Dialect(
        "a server that broke off", events(delta("part"), done=None), text="part", code="upstream_cut"
    ),
    "nulls": Dialect(
        "a gateway that writes all fields",
        events(
            {"choices": None, "usage": None, "error": None},
            "null",
            delta(None, role=None, refusal=None, tool_calls=None, function_call=None, audio=None)
            | {"error": ""},
            delta("ok", refusal="", reasoning=None, reasoning_content="", reasoning_details=None),
            delta("", "stop") | {"usage": {"prompt_tokens": None, "completion_tokens": "many"}},
        ),
        text="ok",
    ),
    "unknown-reason": Dialect(
        "any server", events(delta("a"), delta("", "solar_flare")), text="a", code="upstream_error"
    ),
    "other-document": Dialect(
        "another service at this address",
        b'{"status":"ok"}',
        content_type=DOCUMENT,
        code="upstream_malformed",
    ),
    "html": Dialect(
        "a web page with status 200",
        b"\n<!DOCTYPE html><html><title>Sign in</title></html>",
        content_type="text/html",
        code="upstream_wrong_address",
    ),
    "plain-words": Dialect(
        "Ollama's root", b"Ollama is running", content_type="text/plain", code="upstream_malformed"
    ),
    "empty-body": Dialect("a proxy", b"", code="upstream_cut"),
}
