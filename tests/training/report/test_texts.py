from tests.training.report.samples import evaluation
from training.report.forms import NOTHING
from training.report.part import Part
from training.report.texts import text


def test_a_text_head_in_words_and_figures() -> None:
    """What it says and of what it was learnt, its figures beside the simplest answer, and what it mistakes for what."""
    shown = text("topic", Part(evaluation()).part("texts").part("topic"))
    learnt = "Learnt from 3,000 texts with 5,859 terms that are in more than one of them"
    assert shown.about == [
        "It says how likely a text is of each class, by logistic regression.",
        f"{learnt}; judged on the same, by models that were not fitted on them (5 folds).",
        "What is served differs from what was fitted by at most 0.25 on 3,015 texts.",
    ]
    assert shown.baseline == "baseline: the most frequent label for all"
    assert [(line.name, line.value, line.others) for line in shown.figures] == [
        ("Log loss", "0.44", (NOTHING,)),
        ("Accuracy", "82.8%", ("33.3%",)),
    ]
    assert shown.confusion is not None
    assert shown.confusion.rows == [(1, "films", [0.9, 0.1]), (2, "food", [0.3, 0.7])]


def test_what_is_not_known_is_not_said() -> None:
    """An older file with a figure alone has that, and no sentence."""
    shown = text("sentiment", Part(evaluation()).part("texts").part("sentiment"))
    assert (shown.title, shown.about, shown.baseline, shown.confusion) == ("is it praise?", [], "", None)
    assert [line.value for line in shown.figures] == ["83.5%"]
