"""Long texts that wait for many clients, such as the end of one answer: one copy for all."""

from weakref import WeakValueDictionary


class LongText(str):
    """A text that can be referenced weakly."""

    __slots__ = ("__weakref__",)


_texts: WeakValueDictionary[int, LongText] = WeakValueDictionary()  # by hash


def shared(text: str) -> str:
    """The copy of an equal text that is in use, else a new one."""
    key = hash(text)
    found = _texts.get(key)
    if found is None or found != text:
        found = _texts[key] = LongText(text)
    return found
