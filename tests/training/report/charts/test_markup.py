from jinja2 import Environment

from training.report.charts.markup import element, joined


def test_an_element_writes_its_attributes() -> None:
    """Underscores become hyphens, one at the end is for Python alone, and numbers have a decimal at most."""
    assert element("rect", x=1.26, y=2.0, aria_hidden="true", class_="a") == (
        '<rect x="1.3" y="2" aria-hidden="true" class="a"></rect>'
    )


def test_what_is_markup_is_not_escaped_again() -> None:
    """Elements within elements and in templates stay elements; texts stay texts."""
    inner = element("b", "1 < 2")
    assert element("p", joined([inner, inner])) == f"<p>{inner}{inner}</p>"
    template = Environment(autoescape=True).from_string("{{ markup }} {{ text }}")
    assert template.render(markup=inner, text="1 < 2") == "<b>1 &lt; 2</b> 1 &lt; 2"


def test_quotes_do_not_end_an_attribute() -> None:
    """Whatever is in a value, the element has the attributes that it was given, and no other."""
    assert element("svg", label='" onload="x') == '<svg label="&quot; onload=&quot;x"></svg>'
