"""A page as a reader's browser sees it: well-formed elements, their attributes and texts."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"meta", "br", "link", "img", "input", "hr"}


@dataclass
class Element:
    """One element, with what is in it."""

    name: str
    attributes: dict[str, str]
    children: "list[Element]" = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All the text in it, with single spaces."""
        return " ".join(" ".join(self.texts).split())


class Page(HTMLParser):
    """The elements of a page, every one closed where it must be.

    Args:
        html: the page.
    """

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(html)
        self.close()
        assert not self._open, [element.name for element in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Opens an element."""
        assert len(dict(attrs)) == len(attrs), tag
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        for around in self._open[-1:]:
            around.children.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        """Closes the innermost one, which it must be."""
        assert self._open[-1].name == tag, f"{self._open[-1].name} is closed by {tag} in line {self.getpos()}"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        """Text belongs to all around it."""
        for element in self._open:
            element.texts.append(data)

    def all(self, name: str, /, **attributes: str) -> list[Element]:
        """The elements of this name whose attributes are these, in the page's order."""
        wanted = {key.removesuffix("_").replace("_", "-"): value for key, value in attributes.items()}
        return [e for e in self.elements if e.name == name and wanted.items() <= e.attributes.items()]

    @property
    def text(self) -> str:
        """All the text that is read, not styles."""
        return self.all("main")[0].text
