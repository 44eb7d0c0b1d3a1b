"""Refused requests: bodies of real servers, and the code and the change that follow."""

import gzip
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.protocol.errors import FAILURES
from chat.responses.remedies import REMEDIES
from workers.providers.changes import Change
from workers.providers.refusal_body import MAX_BODY_BYTES
from workers.providers.refusals import STRUCTURED, Refusal, judge, wrong_address

LIMIT = 16384
SENT: dict[str, Any] = {
    "model": "gpt-x",
    "messages": [{"role": "user", "content": "a secret question"}],
    "stream": True,
    "stream_options": {"include_usage": True},
    "max_tokens": LIMIT,
    "temperature": 0.2,
    "reasoning_effort": "low",
}
NEW_LIMIT = {name: value for name, value in SENT.items() if name != "max_tokens"} | {
    "max_completion_tokens": LIMIT
}
PAGE = "<!DOCTYPE html><html><head><title>404</title></head><body>Not here</body></html>"


def openai(
    message: str, code: Any = None, param: str | None = None, kind: str = "invalid_request_error"
) -> Any:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def vllm(message: str, code: int = 400, kind: str = "BadRequestError") -> Any:
    return {"object": "error", "message": message, "type": kind, "param": None, "code": code}


def fastapi(*fields: str, kind: str = "extra_forbidden", msg: str = "Extra inputs are not permitted") -> Any:
    return {
        "detail": [{"type": kind, "loc": ["body", *fields], "msg": msg, "input": {"include_usage": True}}]
    }


def gemini(code: int, message: str, status: str, *details: Any) -> Any:
    return [{"error": {"code": code, "message": message, "status": status, "details": list(details)}}]


KEYS = st.sampled_from(["error", "message", "detail", "loc", "param", "code", "type"])
RETRY_INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "37s"}

# a field is left out: (server, status, body, field)
FIELDS = [
    (
        "OpenAI gpt-5",
        400,
        openai(
            "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead.",
            "unsupported_parameter",
            "max_tokens",
        ),
        "max_tokens",
    ),
    (
        "OpenAI o1 temperature",
        400,
        openai(
            "Unsupported value: 'temperature' does not support 0.2 with this model. "
            "Only the default (1) value is supported.",
            "unsupported_value",
            "temperature",
        ),
        "temperature",
    ),
    (
        "OpenAI gpt-4o",
        400,
        openai("Unrecognized request argument supplied: reasoning_effort"),
        "reasoning_effort",
    ),
    ("Azure", 400, openai("Unrecognized request argument supplied: stream_options"), "stream_options"),
    (
        "LiteLLM wraps Azure",
        400,
        openai(
            "litellm.BadRequestError: AzureException BadRequestError - Error code: 400 - {'error': "
            "{'message': \"Unsupported parameter: 'max_tokens' is not supported with this model. Use "
            "'max_completion_tokens' instead.\", 'type': 'invalid_request_error', 'param': 'max_tokens'}}",
            "400",
        ),
        "max_tokens",
    ),
    (
        "LiteLLM UnsupportedParamsError",
        400,
        openai(
            "litellm.UnsupportedParamsError: ollama does not support parameters: ['reasoning_effort'], "
            "for model=llama3. To drop these, set `litellm.drop_params=True`",
            "400",
        ),
        "reasoning_effort",
    ),
    ("vLLM, old", 422, fastapi("stream_options"), "stream_options"),
    ("a part of a field", 422, fastapi("stream_options", "include_usage"), "stream_options"),
    (
        "vLLM 0.6",
        400,
        vllm(
            "[{'type': 'extra_forbidden', 'loc': ('body', 'reasoning_effort'), 'msg': 'Extra inputs are not "
            "permitted', 'input': 'low'}]"
        ),
        "reasoning_effort",
    ),
    (
        "Mistral",
        422,
        {
            "object": "error",
            "message": fastapi("stream_options"),
            "type": "invalid_request_error",
            "code": None,
        },
        "stream_options",
    ),
    (
        "Gemini",
        400,
        gemini(
            400,
            'Invalid JSON payload received. Unknown name "stream_options": Cannot find field.',
            "INVALID_ARGUMENT",
        ),
        "stream_options",
    ),
    ("Groq", 400, openai("property 'reasoning_effort' is unsupported"), "reasoning_effort"),
    ("Groq, a value", 400, openai("'stream_options' : property unsupported"), "stream_options"),
    (
        "DeepSeek",
        422,
        "Failed to deserialize the JSON body into the target type: stream_options: unknown field "
        "`include_usage` at line 1 column 99",
        "stream_options",
    ),
    ("Anthropic", 400, openai("stream_options: Extra inputs are not permitted"), "stream_options"),
    ("TGI", 422, {"error": "unknown field `stream_options`", "error_type": "validation"}, "stream_options"),
    (
        "OpenRouter",
        400,
        {
            "error": {
                "message": "Provider returned error",
                "code": 400,
                "metadata": {
                    "raw": json.dumps(openai("Unknown parameter: 'reasoning_effort'.", "unknown_parameter")),
                    "provider_name": "OpenAI",
                },
            }
        },
        "reasoning_effort",
    ),
    (
        "Bedrock gateway",
        400,
        {"message": "Malformed input request: extraneous key [stream_options] is not permitted"},
        "stream_options",
    ),
    ("NIM", 400, vllm("stream_options is not supported by this model"), "stream_options"),
    ("llama.cpp", 400, openai("Unsupported param: reasoning_effort", 400), "reasoning_effort"),
    ("a provider", 400, openai("This provider does not support reasoning_effort."), "reasoning_effort"),
    (
        "two fields",
        400,
        openai("temperature is set: this model does not support reasoning_effort"),
        "reasoning_effort",
    ),
    ("a gateway's plain text", 400, "unknown parameter stream_options", "stream_options"),
    (
        "a body that is cut",
        422,
        '{"detail":[{"type":"extra_forbidden","loc":["body","stream_options"],'
        '"msg":"Extra inputs are not permitted","input":"' + "x" * 2 * MAX_BODY_BYTES,
        "stream_options",
    ),
]

# the limit is lowered: (server, status, body, limit)
LIMITS = [
    (
        "OpenAI",
        400,
        openai(
            "max_tokens is too large: 16384. This model supports at most 4096 completion tokens, whereas you "
            "provided 16384.",
            "invalid_value",
            "max_tokens",
        ),
        4096,
    ),
    (
        "Groq",
        400,
        openai(
            "`max_tokens` must be less than or equal to `8192`, the maximum value for `max_tokens` is "
            "less than the `context_window` for this model"
        ),
        8192,
    ),
    ("DeepSeek", 400, openai("Invalid max_tokens value, the valid range of max_tokens is [1, 8192]"), 8192),
    ("Alibaba", 400, openai("<400> InternalError.Algo: Range of max_tokens should be [1, 2000]"), 2000),
    (
        "Anthropic",
        400,
        openai("max_tokens: 16384 > 8192, which is the maximum allowed number of output tokens for claude-3"),
        8192,
    ),
    (
        "Gemini",
        400,
        gemini(
            400,
            "Unable to submit request because it has a max_tokens value of 16384 but the supported "
            "range is from 1 (inclusive) to 8193 (exclusive).",
            "INVALID_ARGUMENT",
        ),
        8192,
    ),
    (
        "Bedrock",
        400,
        {"message": "The maximum tokens you requested exceeds the model limit of 4096. Try again with less."},
        4096,
    ),
    (
        "FastAPI",
        422,
        fastapi("max_tokens", kind="less_than_equal", msg="Input should be less than or equal to 8192"),
        8192,
    ),
]

# the context is full, or so it is with this limit: (server, status, body, tokens left)
CONTEXTS: list[tuple[str, int, Any, int | None]] = [
    (
        "OpenAI, the messages alone",
        400,
        openai(
            "This model's maximum context length is 128000 tokens. However, your messages resulted in 130213 "
            "tokens. Please reduce the length of the messages.",
            "context_length_exceeded",
            "messages",
        ),
        None,
    ),
    (
        "OpenAI, old",
        400,
        openai(
            "This model's maximum context length is 8192 tokens. However, you requested 17288 tokens "
            "(904 in the messages, 16384 in the completion). "
            "Please reduce the length of the messages or completion.",
            "context_length_exceeded",
            "messages",
        ),
        7288,
    ),
    (
        "vLLM, the prompt alone",
        400,
        vllm(
            "This model's maximum context length is 4096 tokens. However, you requested 21384 tokens "
            "(5000 in the messages, 16384 in the completion). "
            "Please reduce the length of the messages or completion."
        ),
        None,
    ),
    (
        "vLLM 0.9",
        400,
        vllm(
            "'max_tokens' or 'max_completion_tokens' is too large: 16384. This model's maximum context "
            "length is 8192 tokens and your request has 904 input tokens (16384 > 8192 - 904). None"
        ),
        7288,
    ),
    (
        "vLLM 0.11",
        400,
        openai(
            "This model's maximum context length is 8192 tokens. However, you requested 16384 output "
            "tokens and your prompt contains at least 904 input tokens, for a total of "
            "at least 17288 tokens.",
            400,
            "input_tokens",
            "BadRequestError",
        ),
        7288,
    ),
    (
        "vLLM V1",
        400,
        vllm("max_tokens=16384 cannot be greater than max_model_len=max_total_tokens=8192."),
        0,
    ),
    (
        "vLLM, the decoder",
        400,
        vllm("The decoder prompt (length 5000) is longer than the maximum model length of 4096."),
        None,
    ),
    (
        "SGLang",
        400,
        vllm(
            "Requested token count exceeds the model's maximum context length of 8192 tokens. You "
            "requested a total of 17288 tokens: 904 tokens from the input messages "
            "and 16384 tokens for the completion."
        ),
        7288,
    ),
    (
        "SGLang, the input alone",
        400,
        vllm("The input (9000 tokens) is longer than the model's context length (8192 tokens)."),
        None,
    ),
    (
        "TGI",
        422,
        {
            "error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. "
            "Given: 904 `inputs` tokens and 16384 `max_new_tokens`",
            "error_type": "validation",
        },
        3192,
    ),
    (
        "TGI, the input alone",
        422,
        {"error": "Input validation error: `inputs` must have less than 4095 tokens. Given: 5000"},
        None,
    ),
    (
        "llama.cpp",
        400,
        {
            "error": {
                "code": 400,
                "message": "the request exceeds the available context size, try increasing it",
                "type": "exceed_context_size_error",
                "n_prompt_tokens": 9000,
                "n_ctx": 4096,
            }
        },
        None,
    ),
    ("Ollama", 400, openai("the input length exceeds the context length", None, None, "api_error"), None),
    ("Ollama cloud", 400, {"error": "prompt too long; exceeded max context length by 300 tokens"}, None),
    (
        "LM Studio",
        400,
        {
            "error": "Trying to keep the first 9000 tokens when context the overflows. However, the model is "
            "loaded with context length of only 4096 tokens, which is not enough."
        },
        None,
    ),
    (
        "Mistral",
        400,
        {
            "object": "error",
            "message": "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 "
            "maximum context length",
            "type": "invalid_request_prompt",
            "code": "3051",
        },
        None,
    ),
    (
        "Gemini",
        400,
        gemini(
            400,
            "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
            "INVALID_ARGUMENT",
        ),
        None,
    ),
    ("Anthropic", 400, openai("prompt is too long: 210000 tokens > 200000 maximum"), None),
    (
        "Anthropic, with the limit",
        400,
        openai(
            "input length and `max_tokens` exceed context limit: 190000 + 16384 > 200000, decrease "
            "input length or `max_tokens` and try again"
        ),
        10000,
    ),
    (
        "OpenRouter",
        400,
        openai(
            "This endpoint's maximum context length is 8192 tokens. However, you requested about 17288 "
            "tokens (904 of text input, 16384 in the output). Please reduce the length of either one.",
            400,
        ),
        7288,
    ),
    ("Bedrock", 400, {"message": "Input is too long for requested model."}, None),
    (
        "Moonshot",
        400,
        openai("Invalid request: Your request exceeded model token limit: 8192 (requested: 17288)"),
        7288,
    ),
    ("Alibaba", 400, openai("Range of input length should be [1, 30720]", "invalid_parameter_error"), None),
    (
        "LiteLLM",
        400,
        openai(
            "litellm.ContextWindowExceededError: litellm.BadRequestError: OpenAIException - too long", "400"
        ),
        None,
    ),
    ("a gateway's 413", 413, openai("The prompt is too long", "context_length_exceeded"), None),
    (
        "almost nothing is left",
        400,
        openai(
            "This model's maximum context length is 8192 tokens. However, you requested 24566 tokens "
            "(8182 in the messages, 16384 in the completion)."
        ),
        None,
    ),
]

# by code alone: (server, status, body, code)
CODES = [
    (
        "OpenAI without credit",
        429,
        openai(
            "You exceeded your current quota, please check your plan and billing details.",
            "insufficient_quota",
            None,
            "insufficient_quota",
        ),
        "upstream_no_credit",
    ),
    ("DeepSeek", 402, openai("Insufficient Balance", "invalid_request_error"), "upstream_no_credit"),
    (
        "OpenRouter",
        402,
        openai("This request requires more credits, or fewer max_tokens. You can only afford 1234.", 402),
        "upstream_no_credit",
    ),
    ("402 without a body", 402, "", "upstream_no_credit"),
    (
        "one-api",
        403,
        openai("用户额度不足", "insufficient_user_quota", None, "new_api_error"),
        "upstream_no_credit",
    ),
    ("Anthropic", 400, openai("Your credit balance is too low to access the API."), "upstream_no_credit"),
    (
        "Alibaba",
        400,
        openai("Access denied, please make sure your account is in good standing.", "Arrearage"),
        "upstream_no_credit",
    ),
    (
        "Moonshot",
        429,
        openai("Your account is suspended", None, None, "exceeded_current_quota_error"),
        "upstream_no_credit",
    ),
    (
        "Gemini per minute",
        429,
        gemini(
            429,
            "You exceeded your current quota, please check your plan and billing details.",
            "RESOURCE_EXHAUSTED",
            RETRY_INFO,
        ),
        "rate_limit_exceeded",
    ),
    ("Groq", 413, openai("Request too large: TPM limit 6000", "rate_limit_exceeded"), "rate_limit_exceeded"),
    ("Mistral", 429, {"message": "Requests rate limit exceeded"}, "rate_limit_exceeded"),
    ("nginx, busy", 429, PAGE, "rate_limit_exceeded"),
    ("a wrong key", 401, openai("Incorrect API key provided", "invalid_api_key"), "upstream_unauthorized"),
    ("an unsupported country", 403, openai("unsupported_country_region_territory"), "upstream_unauthorized"),
    ("Cloudflare", 403, PAGE, "upstream_unauthorized"),
    ("OpenAI", 404, openai("The model `gpt-x` does not exist", "model_not_found"), "upstream_not_found"),
    ("vLLM", 404, vllm("The model `gpt-x` does not exist.", 404, "NotFoundError"), "upstream_not_found"),
    (
        "Azure",
        404,
        {
            "error": {
                "code": "DeploymentNotFound",
                "message": "The API deployment for this resource is missing",
            }
        },
        "upstream_not_found",
    ),
    (
        "Ollama",
        404,
        openai('model "gpt-x" not found, try pulling it first', None, None, "api_error"),
        "upstream_not_found",
    ),
    ("OpenRouter", 404, openai("No endpoints found for gpt-x.", 404), "upstream_not_found"),
    ("OpenRouter, 400", 400, openai("gpt-x is not a valid model ID", 400), "upstream_not_found"),
    (
        "Gemini",
        404,
        gemini(404, "models/gpt-x is not found for API version v1main", "NOT_FOUND"),
        "upstream_not_found",
    ),
    ("DeepSeek", 400, openai("Model Not Exist"), "upstream_not_found"),
    ("Mistral", 400, {"message": "Invalid model: gpt-x", "type": "invalid_model"}, "upstream_not_found"),
    (
        "LiteLLM",
        400,
        {"error": {"message": "Invalid model name passed in model=gpt-x"}},
        "upstream_not_found",
    ),
    ("Gemini, a kind", 404, openai("This model is not supported for generateContent"), "upstream_not_found"),
    ("Bedrock", 400, {"message": "The provided model identifier is invalid."}, "upstream_not_found"),
    (
        "Gemini, a wrong key",
        400,
        gemini(400, "API key not valid. Please pass a valid API key.", "INVALID_ARGUMENT"),
        "upstream_unauthorized",
    ),
    ("a skill of the model", 400, openai("Model gpt-x: images are not supported"), "upstream_rejected"),
    ("FastAPI", 404, {"detail": "Not Found"}, "upstream_wrong_address"),
    ("OpenAI", 404, openai("Invalid URL (POST /chat/completions)"), "upstream_wrong_address"),
    ("Azure", 404, {"error": {"code": "404", "message": "Resource not found"}}, "upstream_wrong_address"),
    ("Go", 404, "404 page not found", "upstream_wrong_address"),
    ("llama.cpp", 404, openai("File Not Found", 404, None, "not_found_error"), "upstream_wrong_address"),
    ("LM Studio", 400, {"error": "Unexpected endpoint or method. (POST /chat)"}, "upstream_wrong_address"),
    ("HTML", 404, PAGE, "upstream_wrong_address"),
    ("HTML with 400", 400, PAGE, "upstream_wrong_address"),
    ("404 without a body", 404, "", "upstream_wrong_address"),
    ("405", 405, {"detail": "Method Not Allowed"}, "upstream_wrong_address"),
    ("a redirect", 307, "", "upstream_wrong_address"),
    ("a permanent redirect", 301, PAGE, "upstream_wrong_address"),
    ("400 without a body", 400, "", "upstream_rejected"),
    ("a message of the wrong shape", 400, openai("messages: roles must alternate"), "upstream_rejected"),
    ("an error of no field", 400, openai("Unexpected error; max_tokens left 12"), "upstream_rejected"),
    ("a limit's value", 400, openai("Invalid value for 'max_tokens'", "invalid_value"), "upstream_rejected"),
    ("an unnamed limit", 400, openai("max_tokens must be greater than 0"), "upstream_rejected"),
    ("Bedrock", 400, {"message": "Too many tokens, please wait before trying again."}, "rate_limit_exceeded"),
    ("Bedrock", 429, {"message": "Too many tokens, please wait before trying again."}, "rate_limit_exceeded"),
    ("Bedrock", 503, {"message": "Too many tokens, please wait before trying again."}, "upstream_error"),
    ("a full server", 503, openai("server overloaded: exceeds context slots"), "upstream_error"),
    ("a field, 500", 500, openai("Unknown parameter: 'temperature'."), "upstream_error"),
    ("OpenRouter", 502, openai("Provider returned error; unknown error: temperature"), "upstream_error"),
    ("a limit, 500", 500, openai("Unexpected error; max_tokens must be at most 4096"), "upstream_error"),
    ("a limit, 413", 413, openai("max_tokens must be at most 4096"), "upstream_rejected"),
    ("credit of a provider", 500, openai("insufficient_quota"), "upstream_error"),
    (
        "a field that is needed",
        400,
        openai("Unsupported parameter: 'stream'", None, "stream"),
        "upstream_rejected",
    ),
    (
        "a field that was not sent",
        400,
        openai("Unknown parameter: 'top_k'.", None, "top_k"),
        "upstream_rejected",
    ),
    ("nginx", 413, PAGE, "upstream_rejected"),
    ("413", 413, {"message": "Payload too large"}, "upstream_rejected"),
    ("408", 408, "", "upstream_rejected"),
    ("409", 409, "", "upstream_rejected"),
    ("500", 500, openai("The server had an error", None, None, "server_error"), "upstream_error"),
    ("502 of nginx", 502, PAGE, "upstream_error"),
    ("Anthropic, overloaded", 529, openai("Overloaded", None, None, "overloaded_error"), "upstream_error"),
    ("not JSON", 400, "{" * 5000, "upstream_rejected"),
    ("deep JSON", 400, "[" * 16000, "upstream_rejected"),
]


def encoded(body: Any) -> bytes:
    return (body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)).encode()


def ids(rows: list[Any]) -> list[str]:
    return [f"{row[0]} {row[1]}" for row in rows]


@pytest.mark.parametrize(("server", "status", "body", "name"), FIELDS, ids=ids(FIELDS))
def test_a_refused_field_is_left_out(server: str, status: int, body: Any, name: str) -> None:
    assert judge(status, encoded(body), SENT) == Refusal("upstream_rejected", change=Change(drop=name))
    without = {field: value for field, value in SENT.items() if field != name}
    assert judge(status, encoded(body), without).change in (None, Change())


def test_of_two_names_the_refused_one_is_left_out() -> None:
    body = encoded(openai("The 'temperature' value is not supported with 'reasoning_effort'"))
    assert judge(400, body, SENT).change == Change(drop="temperature")


@pytest.mark.parametrize(("server", "status", "body", "limit"), LIMITS, ids=ids(LIMITS))
def test_a_limit_that_is_too_large_is_lowered(server: str, status: int, body: Any, limit: int) -> None:
    for sent in (SENT, NEW_LIMIT):
        assert judge(status, encoded(body), sent) == Refusal("upstream_rejected", change=Change(limit=limit))


@pytest.mark.parametrize(("server", "status", "body", "room"), CONTEXTS, ids=ids(CONTEXTS))
def test_a_full_context_has_its_code(server: str, status: int, body: Any, room: int | None) -> None:
    refusal = judge(status, encoded(body), SENT)
    assert refusal.code == "context_length_exceeded"
    assert (refusal.change and refusal.change.room) == room
    if refusal.change:
        assert str(refusal.change.context) in json.dumps(body)
        of_server = judge(500, encoded(body), SENT)
        assert of_server == replace(refusal, change=replace(refusal.change, context=None))


@pytest.mark.parametrize(
    ("message", "code", "change"),
    [
        ("temperature must be at most 1", None, Change(drop="temperature", once=True)),
        ("Invalid value for 'temperature'", "invalid_value", Change(drop="temperature", once=True)),
        ("'temperature' is out of range", None, Change(drop="temperature", once=True)),
        ("max_tokens can not exceed 900 for this prompt", None, Change(limit=900, once=True)),
        ("max_tokens must be at most 900, the tokens that remain", None, Change(limit=900, once=True)),
        ("max_tokens must be at most 900", None, Change(limit=900)),
    ],
)
def test_a_refused_value_changes_this_request_alone(message: str, code: str | None, change: Change) -> None:
    assert judge(400, encoded(openai(message, code)), SENT).change == change


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (openai("This provider does not support reasoning_effort."), "reasoning_effort"),
        (openai("provider is not supported"), None),
        (openai("Unknown parameter: provider"), None),
        (openai("Unknown parameter: 'provider'"), "provider"),
        (openai("Unknown parameter", None, "provider"), "provider"),
    ],
)
def test_a_field_of_the_operator_is_left_out_only_if_it_is_named_without_doubt(
    body: Any, name: str | None
) -> None:
    sent = SENT | {"provider": {"order": ["x"]}}
    change = judge(400, encoded(body), sent, {"provider"}).change
    assert (change and change.drop) == name


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "The response was filtered", "code": "content_filter"}},
        {"error": {"message": "Bad", "code": "400", "innererror": {"code": "ResponsibleAIPolicyViolation"}}},
        openai("openai/x requires moderation. Your input was flagged for violence", 403),
    ],
)
@pytest.mark.parametrize("status", [400, 403])
def test_a_filtered_prompt_is_marked(status: int, body: Any) -> None:
    assert judge(status, encoded(body), SENT) == Refusal("upstream_rejected", filtered=True)
    assert not judge(500, encoded(body), SENT).filtered
    assert not judge(status, encoded(body), {}).filtered


@pytest.mark.parametrize(("server", "status", "body", "code"), CODES, ids=ids(CODES))
def test_another_refusal_has_its_code(server: str, status: int, body: Any, code: str) -> None:
    refusal = judge(status, encoded(body), SENT)
    assert (refusal.code, refusal.change) == (code, None)
    assert refusal.permanent is (code != "upstream_error")
    assert code in FAILURES
    assert code in REMEDIES


@pytest.mark.parametrize("body", [{"detail": "Not Found"}, {"error": "path /models not found"}, ""])
def test_a_list_of_models_that_is_not_found_has_a_wrong_address(body: Any) -> None:
    assert judge(404, encoded(body), {}) == Refusal("upstream_wrong_address")


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        (gemini(429, "Quota exceeded", "RESOURCE_EXHAUSTED", RETRY_INFO), 37),
        (openai("Rate limit reached. Please try again in 1.2s."), 1.2),
        (openai("Please try again in 340ms."), 0.34),
        (openai("Please retry after 26 seconds."), 26),
        (openai("Please try again in 7m12s."), None),
        (openai("Slow down"), None),
    ],
)
def test_the_time_of_a_rate_limit_is_read_from_the_body(body: Any, seconds: float | None) -> None:
    assert judge(429, encoded(body), SENT).retry_after == seconds


def test_a_body_may_be_compressed() -> None:
    body = gzip.compress(encoded(openai("Insufficient Balance")))
    assert judge(400, body, SENT).code == "upstream_no_credit"
    assert judge(400, gzip.compress(b"x" * 10_000_000), SENT).code == "upstream_rejected"
    assert judge(400, b"\x1f\x8bnonsense", SENT).code == "upstream_rejected"


def test_the_question_in_an_error_changes_nothing() -> None:
    asked = "insufficient_quota: unknown parameter stream_options, max_tokens must be <= 300"
    body = {"detail": [{"type": "value_error", "loc": ["body", "messages"], "msg": "Wrong", "input": asked}]}
    assert judge(422, encoded(body), SENT) == Refusal("upstream_rejected")
    body["detail"][0]["msg"] = f"Wrong [type=value_error, input_value='{asked}', input_type=str]"
    assert judge(422, encoded(body), SENT) == Refusal("upstream_rejected")
    body["detail"][0]["msg"] = f"Wrong: {{'loc': 1, 'input': '{asked}"
    assert judge(422, encoded(body), SENT) == Refusal("upstream_rejected")


@pytest.mark.parametrize(
    "body",
    [
        openai(
            "Unknown parameter: 'tools[0].function.strict'.", "unknown_parameter", "tools[0].function.strict"
        ),
        openai("Unknown parameter: 'tools[0].function.strict'."),
        openai("Unsupported value", None, "tools[0]"),
        openai("Invalid schema for function 'f': 'additionalProperties' is required", None, "tools"),
        openai(
            "Invalid schema for response_format 'n': 'additionalProperties' is required",
            None,
            "response_format",
        ),
        openai("'response_format.type' must be one of 'text', 'json_object'", None, "response_format.type"),
        fastapi("tools", "0", "function", "strict"),
        fastapi("tool_choice", "function", "name"),
    ],
)
def test_a_fault_inside_a_clients_tools_or_format_takes_them_from_no_later_request(body: Any) -> None:
    sent = SENT | {field: [] for field in STRUCTURED}
    assert judge(400, encoded(body), sent) == Refusal("upstream_rejected")


@pytest.mark.parametrize("name", sorted(STRUCTURED))
@pytest.mark.parametrize("named", ["", "param"])
def test_tools_and_formats_are_left_out_if_they_are_refused_as_a_whole(name: str, named: str) -> None:
    body = openai("Unsupported parameter", None, name) if named else openai(f"'{name}' is not supported.")
    assert judge(400, encoded(body), SENT | {field: [] for field in STRUCTURED}).change == Change(drop=name)


@pytest.mark.parametrize("before", ["", "x", "some words before it, of any length, "])
def test_the_prompt_in_a_message_changes_nothing(before: str) -> None:
    asked = "Why does my server say: unknown parameter 'stream_options'?"
    sent = SENT | {"messages": [{"role": "user", "content": f"{before}{asked}\nThank you"}]}
    for body in (openai(f"Cannot read: {asked}"), f"cannot read {asked}"):
        assert judge(400, encoded(body), SENT).change == Change(drop="stream_options")
        assert judge(400, encoded(body), sent) == Refusal("upstream_rejected")


def test_the_texts_of_parts_and_calls_in_a_message_change_nothing() -> None:
    asked = "Why does my server say: unknown parameter 'stream_options'?"
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 8_000_000}}
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": asked}}
    body = encoded(openai(f"Cannot read: {asked}"))
    for message in (
        {"role": "user", "content": [image, {"type": "text", "text": asked}]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
    ):
        assert judge(400, body, SENT | {"messages": [message]}) == Refusal("upstream_rejected")


def test_no_error_lowers_the_limit_to_almost_nothing() -> None:
    assert judge(400, encoded(openai("max_tokens must be at most 1")), SENT).change is None


@given(st.integers(300, 599), st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_body_is_judged(status: int, body: bytes) -> None:
    assert judge(status, body, SENT).code in FAILURES


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda x: st.lists(x) | st.dictionaries(KEYS, x), max_leaves=8
    )
)
def test_any_json_is_judged(body: Any) -> None:
    assert judge(400, json.dumps(body).encode(), SENT).code in FAILURES


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        (
            "https://api.example.org/chat/completions",
            "there is no model's server at https://api.example.org/chat/completions; "
            "did you mean https://api.example.org/v1?",
        ),
        (
            "http://user:secret@gpu:8000/models?key=secret",
            "there is no model's server at http://gpu:8000/models; did you mean http://gpu:8000/v1?",
        ),
        ("http://gpu/v1/chat/completions", "there is no model's server at http://gpu/v1/chat/completions"),
        ("http://gpu/v1beta/openai/models", "there is no model's server at http://gpu/v1beta/openai/models"),
    ],
)
def test_a_wrong_address_is_named_without_secrets(url: str, sentence: str) -> None:
    assert wrong_address(url) == sentence
