"""Calls of functions, as servers divide them."""

from typing import Any

from tests.workers.providers.dialects.base import DOCUMENT, Dialect, compact, delta, events


def part(index: int | None, arguments: Any = None, name: str | None = None, id: str | None = None) -> Any:  # noqa: A002
    """Return one element of `tool_calls`; what is None is not there."""
    function = {"name": name, "arguments": arguments}
    call = {"index": index, "id": id, "function": {k: v for k, v in function.items() if v is not None}}
    return {k: v for k, v in call.items() if v is not None}


def parts(*each: Any, **more: Any) -> Any:
    return delta(tool_calls=list(each), **more)


WEATHER = ("weather", "call_1", '{"place":"Köln"}')
TIME = ("time", "call_2", "{}")
OBJECT = {"content": "", "tool_calls": [part(None, {"place": "Köln"}, "weather")]}
DOCUMENTED = {"role": "assistant", "content": None, "tool_calls": [part(None, "{}", "time", "call_2")]}

CALLS = {
    "calls-in-pieces": Dialect(
        "OpenAI",
        events(
            parts(part(0, "", "weather", "call_1"), role="assistant", content=None),
            *(parts(part(0, piece)) for piece in ('{"pl', 'ace":', '"Köln"}')),
            delta(finish="tool_calls"),
        ),
        calls=(WEATHER,),
    ),
    "calls-interleaved": Dialect(
        "vLLM with parallel calls",
        events(
            parts(part(0, "", "weather", "call_1")),
            parts(part(1, "", "time", "call_2")),
            parts(part(0, '{"place":'), part(1, "{}")),
            parts(part(0, '"Köln"}')),
            delta(finish="tool_calls"),
        ),
        calls=(WEATHER, TIME),
    ),
    "calls-whole": Dialect(
        "Gemini: whole calls, each in its own delta, all with index 0",
        events(
            parts(part(0, WEATHER[2], "weather", "call_1")),
            parts(part(0, "{}", "time", "call_2")),
            delta(finish="tool_calls"),
        ),
        calls=(WEATHER, TIME),
    ),
    "calls-without-index": Dialect(
        "a gateway: calls without index, the arguments in pieces",
        events(
            parts(part(None, '{"place":', "weather", "call_1")),
            parts(part(None, '"Köln"}')),
            parts(part(None, "{}", "time", "call_2")),
            delta(finish="tool_calls"),
        ),
        calls=(WEATHER, TIME),
    ),
    "calls-repeated": Dialect(
        "SGLang: id and name with each part",
        events(
            parts(part(0, '{"place":', "weather", "call_1")),
            parts(part(0, '"Köln"}', "weather", "call_1")),
            delta(finish="tool_calls"),
        ),
        calls=(WEATHER,),
    ),
    "calls-without-id": Dialect(
        "llama.cpp, older: no ids, the name first",
        events(parts(part(0, "", "time")), parts(part(0, "{}")), delta(finish="stop")),
        calls=(("time", "", "{}"),),
    ),
    "calls-late-name": Dialect(
        "a gateway: arguments before the name",
        events(parts(part(0, "{", id="call_2")), parts(part(0, "}", "time")), delta(finish="tool_calls")),
        calls=(TIME,),
    ),
    "calls-named-late-beside-another": Dialect(
        "a gateway: another call begins before the name of the first",
        events(
            parts(part(0, WEATHER[2], id="call_1")),
            parts(part(1, "{}", "time", "call_2")),
            parts(part(0, name="weather")),
            delta(finish="tool_calls"),
        ),
        calls=(TIME, WEATHER),
    ),
    "calls-as-objects": Dialect(
        "Ollama's own form: the arguments are an object",
        "".join(
            compact(line) + "\n"
            for line in (
                {
                    "message": {"content": "", "tool_calls": [part(None, {"place": "Köln"}, "weather")]},
                    "done": False,
                },
                {"message": {"content": ""}, "done": True, "done_reason": "stop"},
            )
        ).encode(),
        calls=(("weather", "", '{"place": "Köln"}'),),
        content_type="application/x-ndjson",
    ),
    "calls-in-a-document": Dialect(
        "a server that does not stream",
        compact(
            {
                "choices": [
                    {
                        "index": 0,
                        "message": {
                            "role": "assistant",
                            "content": None,
                            "tool_calls": [part(None, "{}", "time", "call_2")],
                        },
                        "finish_reason": "tool_calls",
                    }
                ]
            }
        ).encode(),
        calls=(TIME,),
        content_type=DOCUMENT,
    ),
    "call-broken": Dialect(
        "a model that writes no JSON: the client sees it",
        events(parts(part(0, '{"place', "weather", "call_1")), delta(finish="tool_calls")),
        calls=(("weather", "call_1", '{"place'),),
    ),
    "call-without-name": Dialect(
        "nobody could run it",
        events(parts(part(0, "{}", id="call_1")), delta(finish="tool_calls")),
        code="upstream_malformed",
    ),
}
