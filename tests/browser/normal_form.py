"""The normal form of a rendered text: what specifications require, without the page's own choices.

in:  HTML of a specification, or of the page's elements
out: a string that is equal for both if they mean the same
"""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import quote, unquote

BLOCKS = "p h1 h2 h3 h4 h5 h6 ul ol li blockquote pre hr table thead tbody tr th td"
VOID = {"br", "hr", "img", "input"}
KEPT = ("align", "start")
AROUND_BLOCKS = re.compile(rf"\s*(</?(?:{'|'.join(BLOCKS.split())})(?: [^>]*)?>)\s*")


@dataclass
class Element:
    """An element with its content."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    kids: list["Element | str"] = field(default_factory=list)

    def has(self, name: str) -> bool:
        """Whether it has a class."""
        return name in self.attributes.get("class", "").split()

    def find(self, tag: str) -> "Element":
        """The first one inside."""
        for kid in self.kids:
            if isinstance(kid, Element):
                if kid.tag == tag:
                    return kid
                found = kid.find(tag)
                if found.tag:
                    return found
        return Element("")

    @property
    def text(self) -> str:
        """All text in it."""
        return "".join(kid if isinstance(kid, str) else kid.text for kid in self.kids)


class _Builder(HTMLParser):
    """Builds elements from well-formed HTML."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Element("root")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        made = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].kids.append(made)
        if tag not in VOID:
            self.open.append(made)

    def handle_endtag(self, tag: str) -> None:
        if tag == self.open[-1].tag:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].kids.append(data)


def normal_form(html: str) -> str:
    """The meaning of the HTML, as a string."""
    builder = _Builder()
    builder.feed(html)
    builder.close()
    return AROUND_BLOCKS.sub(r"\1", re.sub(r"[ \t\n]+", " ", _kids(builder.open[0]))).strip()


def _kids(element: Element, parent: str = "", *, linked: bool = False) -> str:
    tag = parent or element.tag
    return "".join(kid if isinstance(kid, str) else _node(kid, tag, linked=linked) for kid in element.kids)


def _node(node: Element, parent: str, *, linked: bool) -> str:
    if node.tag in ("div", "span", "bdi"):
        return _of_the_page(node, parent, linked=linked)
    match node.tag:
        case "br":
            return " "
        case "pre":
            return _code(node.find("code"), "")
        case "img":
            return _picture(node.attributes, linked=linked)
        case "input":
            return "[x]" if "checked" in node.attributes else "[ ]"
        case "a":
            return _link(node)
        case _:
            return _other(node, parent, linked=linked)


def _other(node: Element, parent: str, *, linked: bool) -> str:
    """An element that both have; the page's classes have the level of a heading and the side of a cell."""
    if node.tag == "p" and parent == "li":
        return f" {_kids(node, 'p', linked=linked)} "
    classes = node.attributes.get("class", "").split()
    name = next((each for each in classes if re.fullmatch("h[1-6]", each)), node.tag)
    kept = {each: node.attributes[each] for each in KEPT if each in node.attributes}
    kept |= dict(each.split("-", 1) for each in classes if each.startswith("align-"))
    tag = f"{name}{''.join(f' {each}={value}' for each, value in kept.items())}"
    return f"<{tag}>" + ("" if node.tag in VOID else f"{_kids(node, node.tag, linked=linked)}</{name}>")


def _of_the_page(node: Element, parent: str, *, linked: bool) -> str:
    """Elements that only the page has."""
    if node.has("host"):
        return ""
    if node.has("code-block"):
        head = node.find("span")
        return _code(node.find("code"), head.text)
    return _kids(node, parent, linked=linked)


def _link(node: Element) -> str:
    href = node.attributes.get("href", "")
    if node.has("picture"):
        return _picture(
            {"src": href, "alt": "".join(kid for kid in node.kids if isinstance(kid, str)).strip()}
        )
    return f"<a {unquote(href)}>{_kids(node, 'a', linked=True).rstrip()}</a>"


def _picture(attributes: dict[str, str], *, linked: bool = False) -> str:
    """In a link it is only its text."""
    if linked:
        return attributes.get("alt") or "image"
    return f"<img {unquote(attributes.get('src', ''))} {attributes.get('alt') or 'image'}>"


def _code(code: Element, language: str) -> str:
    """A specification ends code with a line end; `language` is the page's, whose code has none."""
    text = code.text
    if not language:
        text = text.removesuffix("\n")
        classes = code.attributes.get("class", "").split()
        language = next((each[9:] for each in classes if each.startswith("language-")), "code")
    return f"<pre>{language}:{quote(text)}</pre>"
