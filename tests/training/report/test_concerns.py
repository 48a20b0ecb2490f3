import re
from typing import Any

import pytest

from tests.training.report.samples import evaluation
from training.report.concerns import concerns, head_anchor
from training.report.part import Part
from training.report.verdicts import FAIR, POOR


def found(whole: dict[str, Any]) -> list[str]:
    """The sentences."""
    return [concern.text for concern in concerns(Part(whole), {"worth-1-3": "New"})]


def test_the_gravest_come_first() -> None:
    """Everything that stands against the version, then what to keep in mind."""
    grades = [concern.grade for concern in concerns(Part(evaluation()), {})]
    assert grades == sorted(grades, key=[POOR, FAIR].index)
    assert set(grades) == {POOR, FAIR}


NOT_TRUSTED = (
    "The segment “New” (worth) is not to be trusted: samples of the visitors find it again with an overlap of only 0.5."
)


@pytest.mark.parametrize(
    "sentence",
    [
        "The gate “Fairness ratio, at least 0.8” of buys does not hold: 0.71.",
        "Leakage, buys: order_id alone nearly decides it.",
        NOT_TRUSTED,
        "worth is served by a rule that agrees with the fitted segments for 85.0% of the visitors.",
        "worth no longer has worth-0-9: campaigns that refer to it reach nobody.",
        "buys chooses groups of “age” unequally: the least chosen is chosen 0.71 times as often as the most chosen.",
        "buys: visits has moved between what it learnt from and what it was tested on.",
        "spends foretells 1.25 times what happened in all.",
        "spends is no better than the spend before: Rank correlation (Spearman) 0.8 against 0.82.",
        "moves: an effect that differs between visitors is not shown; the Qini coefficient's interval holds 0.",
        "moves was tested on 400 rows only: its figures are rough.",
        "spend is missing in 31.0% of the rows, where its default stands.",
    ],
)
def test_each_figure_beyond_its_threshold_is_a_sentence(sentence: str) -> None:
    """What is wrong, where, and by how much."""
    assert found(evaluation()).count(sentence) == 1


def test_nothing_else_is_said() -> None:
    """The sample has these twelve faults, and no figure within its threshold is mentioned."""
    assert len(found(evaluation())) == 12


def test_a_sound_version_has_no_warnings() -> None:
    """With every figure at its threshold, on the good side, nothing is said."""
    sound = {
        "gates": [{"gate": "minimum_auc", "holds": True}, {"gate": "unjudged", "holds": None}],
        "leakage": [],
        "model": {"features": [{"name": "a", "missing_share": 0.19}]},
        "segmentations": {"s": {"segments": [{"name": "A", "jaccard": 0.6}, {"jaccard": None}], "fidelity": 0.9}},
        "outcomes": {
            "o": {
                "fairness": [{"column": "age", "selection_rate_ratio": 0.8}],
                "drift": [{"feature": "a", "psi": 0.249}],
                "figures": {"total_ratio": 1.09, "roc_auc": 0.81},
                "baseline": {"figures": {"roc_auc": 0.8}},
                "tested": {"row_count": 1000},
                "intervals": {"qini": [0.001, 0.1]},
            }
        },
    }
    assert found(sound) == []


def test_many_unstable_segments_are_one_sentence() -> None:
    """Those of a whole segmentation do not push everything else off the page: three are named, the others counted."""
    segments = [{"key": f"s-1-{i}", "jaccard": jaccard} for i, jaccard in enumerate((0.5, 0.9, 0.4, 0.3, 0.2), 1)]
    (sentence,) = found({"segmentations": {"s": {"segments": segments}}})
    assert sentence.startswith("4 of 5 segments of s are not to be trusted, by how little samples of the visitors find")
    assert sentence.endswith("(overlap): “s-1-1” (0.5), “s-1-3” (0.4), “s-1-4” (0.3) and 1 more.")


def test_a_leak_that_was_refused_is_grave() -> None:
    """The severity of the search is kept."""
    whole = {"leakage": [{"outcome": "o", "severity": severity} for severity in ("warn", "refuse")]}
    assert [concern.grade for concern in concerns(Part(whole), {})] == [POOR, FAIR]


def test_a_segment_of_no_stability_at_all_is_not_to_be_trusted() -> None:
    """A Jaccard index of 0 is a figure, not a missing one."""
    assert "“a” (s) is not to" in found({"segmentations": {"s": {"segments": [{"key": "a", "jaccard": 0.0}]}}})[0]
    of_key = {"segments": [{"key": "a"}], "stability": {"jaccard": {"a": 0.1}}}
    assert "“a” (s) is not to" in found({"segmentations": {"s": of_key}})[0]


@pytest.mark.parametrize("name", ["customer_value", 'a"b<c>', "два слова", ""])
def test_anchors_are_plain(name: str) -> None:
    """Whatever a head is called, its anchor needs no escaping."""
    assert re.fullmatch(r"head-[A-Za-z0-9_-]*", head_anchor(name))
