"""Texts of a hostile model: those of `hostile/`, and those that no editor shows.

`canary()` exists in the tests' browser and reports each call. Every address leads to `ELSEWHERE`, so a
request for one of them is a leak.
"""

from pathlib import Path

ELSEWHERE = "http://elsewhere.invalid"

NESTED = [
    "> " * 40 + "deep",
    "- " * 40 + "deeper",
    "*" * 60 + "_" * 61 + "[" * 60 + "](" * 30,
    "|" * 60 + "\n|-|",
    "".join(f"{'  ' * depth}1. x\n" for depth in range(12)),
]
CONTROLS = [
    "[tab](java\tscript:canary()) [line](java\nscript:canary()) [control](\x01javascript:canary())",
    "[space](\u00a0javascript:canary()) [joiner](java\u200bscript:canary())",
    "[mark](\ufeffjavascript:canary())",
]
BIDI = [
    "\u202e\u2066evil\u2069\u202c \u200f\u061c [\u202ek\u202c](\u202ejavascript:canary()) \u2028\u2029",
    f"# \u202eheading\n\n[\u202egnp.exe]({ELSEWHERE}/a) a\u0301" + "\u0335" * 60 + "\U000e0041\U000e007f",
]
LONG = [
    "x" * 3000,
    "<" * 200 + "&lt;" * 50,
    f"{ELSEWHERE}/" + "y" * 1000,
    "[" + "z" * 500 + f"]({ELSEWHERE})",
]

CORPUS = {
    path.stem: path.read_text() for path in sorted((Path(__file__).parent / "hostile").glob("*.md"))
} | {
    "nested": "\n\n".join(NESTED),
    "controls": "\n\n".join(CONTROLS),
    "bidi": "\n\n".join(BIDI),
    "long": "\n\n".join(LONG),
}
