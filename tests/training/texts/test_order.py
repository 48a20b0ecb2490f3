import pytest

from training.configuration.section import BadConfig, Section
from training.texts.order import read_text

TOPIC = {"name": "site", "kind": "topic", "path": "sites.csv", "classes": ["books", "films"]}


def test_sentiment() -> None:
    """A sentiment has one feature, of its own name; the label of what is positive may be a number."""
    content = {
        "name": "tone",
        "kind": "sentiment",
        "path": "t.csv",
        "label": "stars",
        "positive": 5,
        "column": "review",
    }
    order = read_text(Section(content, "texts[0]"))
    assert order.outputs == ("tone",)
    assert (order.title, order.text, order.label, order.positive, order.column) == (
        "tone",
        "text",
        "stars",
        "5",
        "review",
    )


def test_topic() -> None:
    """Topics have a feature for each class, in the order of the file."""
    order = read_text(Section(TOPIC | {"title": "which site"}, "texts[0]"))
    assert order.outputs == ("site_books", "site_films")
    assert order.title == "which site"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"name": "A b"}, r"texts\[0\] \('A b'\): name is 'A b'; needed are 1 to 40"),
        ({"kind": "mood"}, "kind is 'mood'; needed is one of sentiment, topic"),
        ({"classes": ["books"]}, "classes are books; needed are two or more distinct"),
        ({"classes": ["books", "books"]}, "needed are two or more distinct"),
        ({"classes": ["books", "Films!"]}, "classes has 'Films!'; a class is 1 to 20 of"),
        ({"positive": "1"}, "positive means nothing here"),
        ({"clases": []}, "clases means nothing here; did you mean classes"),
    ],
)
def test_faults(change: dict[str, object], text: str) -> None:
    """What is wrong is said with its place, and what would be right."""
    with pytest.raises(BadConfig, match=text):
        read_text(Section(TOPIC | change, "texts[0]"))
