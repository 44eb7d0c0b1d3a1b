"""The JSON of pages: without escapes, except those that a script element needs."""

import json

from django.utils.html import json_script

from chat.pages.compact_json import CompactEncoder

TEXT = "</script><!-- & \u2028 水🌊"


def test_an_emoji_takes_four_bytes() -> None:
    assert json.dumps({"a": [TEXT, 1]}, cls=CompactEncoder) == f'{{"a":["{TEXT}",1]}}'


def test_a_script_element_cannot_be_closed_by_a_text() -> None:
    script = json_script(TEXT, "page-data", CompactEncoder)
    assert "🌊" in script
    assert script.count("<") == 2
    assert json.loads(script.partition(">")[2].removesuffix("</script>")) == TEXT
