import re
from importlib import resources

import pytest

from training.report.charts import bars, canvas

STYLE = (resources.files("training.report") / "templates" / "style.css").read_text(encoding="utf-8")
LEAST_CONTRAST = 4.5  # WCAG 2.2, success criterion 1.4.3, level AA
TEXTS = [
    ("ink", "page"),
    ("ink", "sheet"),
    ("soft", "page"),
    ("soft", "sheet"),
    ("accent", "page"),
    ("accent", "sheet"),
]
BADGES = [(grade, f"{grade}-back") for grade in ("good", "fair", "poor", "unknown")]


def colours(theme: str) -> dict[str, str]:
    """The colours of a theme by name, the light ones where it has no others."""
    light, dark, paper = re.findall(r":root \{([^}]*)\}", STYLE)
    found = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6});", light))
    return found | dict(
        re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6});", {"light": "", "dark": dark, "paper": paper}[theme])
    )


def luminance(colour: str) -> float:
    """Relative luminance of a colour. Source: WCAG 2.2, definition of relative luminance."""
    digits = colour.removeprefix("#")
    pairs = [2 * d for d in digits] if len(digits) == 3 else re.findall("..", digits)
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (int(p, 16) / 255 for p in pairs)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", ["light", "dark", "paper"])
@pytest.mark.parametrize(("text", "ground"), [*TEXTS, *BADGES])
def test_text_stands_out_from_its_ground(theme: str, text: str, ground: str) -> None:
    """Every text can be read in light, in the dark and on paper, with the contrast that the AA level asks for."""
    found = colours(theme)
    lights = sorted(luminance(found[name]) for name in (text, ground))
    assert (lights[1] + 0.05) / (lights[0] + 0.05) >= LEAST_CONTRAST


def test_the_darkest_cell_can_be_read() -> None:
    """A cell of a heat table is at most half the accent's colour, and its number still stands out."""
    assert "* .5))" in STYLE
    for theme in ("light", "dark"):
        found = colours(theme)
        block = re.findall(r":root \{([^}]*)\}", STYLE)[theme == "dark"]
        accent = [int(n) for n in (re.findall(r"--accent-rgb: ([\d, ]+);", block)[0]).split(",")]
        page = [int(p, 16) for p in re.findall("..", found["page"].removeprefix("#"))]
        mixed = "#" + "".join(f"{round((a + p) / 2):02x}" for a, p in zip(accent, page, strict=True))
        lights = sorted([luminance(mixed), luminance(found["ink"])])
        assert (lights[1] + 0.05) / (lights[0] + 0.05) >= LEAST_CONTRAST


def test_every_class_of_a_chart_has_a_style() -> None:
    """What the charts draw is coloured by the page, so nothing is left black in the dark."""
    drawn = {"chart", "bar"} | set(re.findall(r'class_="([a-z]+)', _source(canvas) + _source(bars)))
    assert {name for name in drawn if f".{name}" not in STYLE} == set()


def _source(module: object) -> str:
    name = str(getattr(module, "__name__", "")).rsplit(".", 1)[-1]
    return (resources.files("training.report.charts") / f"{name}.py").read_text(encoding="utf-8")
