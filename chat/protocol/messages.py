"""Items as messages of chat completions.

Format: https://platform.openai.com/docs/api-reference/chat/create#chat-create-messages
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from typing import NamedTuple

from chat.protocol.events import JSON
from chat.protocol.input_items import text_of

STORED = "file:"  # the scheme of stored files in a message, until `with_data`; no client can send it
MISSING: JSON = {"type": "text", "text": "[a file that was deleted]"}
OMITTED: JSON = {"type": "text", "text": "[an earlier file that was left out]"}


class FileData(NamedTuple):
    """A stored file: its name, and its content as a data URL, or as text, which every model takes."""

    name: str
    url: str = ""
    text: str | None = None


def messages(items: Iterable[JSON]) -> list[JSON]:
    """The messages of stored items, of an input or of an output.

    Reasoning is left out, and calls that were cut off. Neighbouring calls are one message, with the text of
    the assistant before them, as the model wrote it.
    """
    found: list[JSON] = []
    for item in items:
        kind = item.get("type", "message")
        if kind == "message":
            found.append(_message(item))
        elif kind == "function_call_output":
            content = _content(item["output"])
            found.append({"role": "tool", "tool_call_id": item["call_id"], "content": content})
        elif kind == "function_call" and item.get("status") != "incomplete":
            if not found or found[-1]["role"] != "assistant":
                found.append({"role": "assistant", "content": None})
            found[-1].setdefault("tool_calls", []).append(_call(item))
    return found


def calls(messages: Iterable[JSON]) -> set[str]:
    """The ids of the calls in messages."""
    return {call["id"] for message in messages for call in message.get("tool_calls", ())}


def results(messages: Iterable[JSON]) -> set[str]:
    """The ids of the calls whose results are in messages."""
    return {message["tool_call_id"] for message in messages if message["role"] == "tool"}


def with_calls_only(messages: Iterable[JSON], ids: set[str]) -> list[JSON]:
    """The messages of the assistant with these calls, without their texts."""
    return [
        {"role": "assistant", "content": None, "tool_calls": kept}
        for message in messages
        if (kept := [call for call in message.get("tool_calls", ()) if call["id"] in ids])
    ]


def without_open_calls(messages: Iterable[JSON], answered: Container[str]) -> list[JSON]:
    """The messages without calls that have no result: servers refuse them. `answered`: ids of the others."""
    return [kept for message in messages if (kept := _without_open_calls(message, answered))]


def joined_turns(turns: Iterable[list[JSON]]) -> list[JSON]:
    """The messages of all turns. Where two of the user meet they are one, with an empty line between."""
    found: list[JSON] = []
    for turn in turns:
        rest = turn
        if found and turn and _is_plain_user(found[-1]) and _is_plain_user(turn[0]):
            found[-1] = found[-1] | {"content": _one_content(found[-1]["content"], turn[0]["content"])}
            rest = turn[1:]
        found += rest
    return found


def named_files(messages: Iterable[JSON]) -> Iterator[str]:
    """The ids of the stored files, once for each part that names one, in their order."""
    for part in _parts(messages):
        if name := stored_name(part):
            yield name


def stored_name(part: JSON) -> str | None:
    """The id of the stored file that a part names."""
    source = _source(part)
    return source.removeprefix(STORED) if source.startswith(STORED) else None


def with_data(
    messages: Iterable[JSON], files: Mapping[str, FileData], omitted: Container[str] = ()
) -> list[JSON]:
    """Messages with the content of stored files. Those that are neither in `files` nor `omitted` are deleted.

    A message of texts alone has them as one string, with empty lines between: some servers take no list.
    """
    return [
        message | {"content": _simple([_with_data(part, files, omitted) for part in message["content"]])}
        if isinstance(message["content"], list)
        else message
        for message in messages
    ]


def _message(item: JSON) -> JSON:
    message: JSON = {"role": item["role"], "content": _content(item["content"])}
    return message | ({"name": item["name"]} if "name" in item else {})


def _call(item: JSON) -> JSON:
    function = {"name": item["name"], "arguments": item["arguments"]}
    return {"id": item["call_id"], "type": "function", "function": function}


def _content(content: str | list[JSON]) -> str | list[JSON]:
    if isinstance(content, str) or all("text" in part or "refusal" in part for part in content):
        return text_of(content)
    return [_part(part) for part in content]


def _part(part: JSON) -> JSON:
    stored = f"{STORED}{part['file_id']}" if "file_id" in part else None
    if part["type"] == "input_image":
        detail = part.get("detail", "auto")
        image = {"url": stored or part["image_url"]} | ({} if detail == "auto" else {"detail": detail})
        return {"type": "image_url", "image_url": image}
    if part["type"] == "input_file":
        file = {"file_data": stored or part.get("file_url") or part["file_data"]}
        return {"type": "file", "file": file | ({"filename": part["filename"]} if "filename" in part else {})}
    return {"type": "text", "text": text_of([part])}


def _parts(messages: Iterable[JSON]) -> Iterator[JSON]:
    for message in messages:
        if isinstance(message["content"], list):
            yield from message["content"]


def _source(part: JSON) -> str:
    """The address or data of an image or file; "" of a text."""
    found: str = part.get("image_url", {}).get("url") or part.get("file", {}).get("file_data") or ""
    return found


def _with_data(part: JSON, files: Mapping[str, FileData], omitted: Container[str]) -> JSON:
    name = stored_name(part)
    if name is None:
        return part
    if name not in files:
        return OMITTED if name in omitted else MISSING
    file = files[name]
    if file.text is not None:
        name = part.get("file", {}).get("filename", file.name)
        return {"type": "text", "text": f"File {name}:\n\n{file.text}"}
    if part["type"] == "file":
        return part | {"file": {"filename": file.name} | part["file"] | {"file_data": file.url}}
    return part | {"image_url": part["image_url"] | {"url": file.url}}


def _is_plain_user(message: JSON) -> bool:
    return message["role"] == "user" and "name" not in message


def _one_content(first: str | list[JSON], second: str | list[JSON]) -> str | list[JSON]:
    if isinstance(first, str) and isinstance(second, str):
        return f"{first}\n\n{second}"
    return [*_as_parts(first), *_as_parts(second)]


def _as_parts(content: str | list[JSON]) -> list[JSON]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _simple(parts: list[JSON]) -> str | list[JSON]:
    is_text = all(part["type"] == "text" for part in parts)
    return "\n\n".join(part["text"] for part in parts) if is_text else parts


def _without_open_calls(message: JSON, answered: Container[str]) -> JSON | None:
    """The message without its unanswered calls; None if it has nothing else."""
    made = message.get("tool_calls", ())
    kept = [call for call in made if call["id"] in answered]
    if len(kept) == len(made):
        return message
    rest = {name: value for name, value in message.items() if name != "tool_calls"}
    if kept:
        return rest | {"tool_calls": kept}
    return rest if rest["content"] else None
