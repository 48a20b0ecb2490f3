"""Elements of SVG, with everything escaped that they are made of."""

import html


class Markup(str):
    """A text that is SVG or HTML already: templates take it as it is, by the protocol of `__html__`."""

    __slots__ = ()

    def __html__(self) -> str:
        return str(self)


def element(name: str, content: str | None = None, /, **attributes: float | str) -> Markup:
    """An element, everything in it escaped that is not Markup already.

    Args:
        name: of the element.
        content: what is between its tags.
        **attributes: by name; an underscore in a name is a hyphen, and one at its end is dropped.
    """
    written = "".join(
        f' {key.removesuffix("_").replace("_", "-")}="{html.escape(_attribute(value))}"'
        for key, value in attributes.items()
    )
    inner = content if isinstance(content, Markup) else html.escape(content or "")
    return Markup(f"<{name}{written}>{inner}</{name}>")


def joined(elements: list[Markup]) -> Markup:
    """One after the other."""
    return Markup("".join(elements))


def pixel(value: float) -> str:
    """A coordinate to a tenth, short."""
    return f"{value:.1f}".removesuffix(".0")


def _attribute(value: float | str) -> str:
    return value if isinstance(value, str) else pixel(value)
