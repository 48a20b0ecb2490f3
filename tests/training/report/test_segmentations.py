from typing import Any

from tests.training.report.samples import evaluation
from training.report.part import Part
from training.report.segmentations import OUTSIDE, Segmentation, segmentation

NAMES = {"worth-1-1": "Regulars", "worth-1-2": "Lapsed", "worth-1-3": "New", "worth-1-a": "Known"}


def worth(**changes: Any) -> Segmentation:
    """The sample's segmentation, with some keys changed."""
    return segmentation("worth", Part({**evaluation()["segmentations"]["worth"], **changes}), NAMES)


def test_a_card_says_what_its_segment_is() -> None:
    """Name, key, size, share, stability in a word, kept or new, and the group above it."""
    first, second, third = worth().segments
    assert (first.name, first.key, first.size, first.share) == ("Regulars", "worth-1-1", 900, 0.45)
    assert [s.stability.text for s in (first, second, third)] == ["highly stable", "pattern", "do not trust"]
    assert [s.is_kept for s in (first, second, third)] == [True, True, False]
    assert [s.parent for s in (first, second, third)] == ["Known", "Known", ""]


def test_traits_have_their_unit_and_everybodys_mean() -> None:
    """What sets a segment apart: in the feature's unit, beside all visitors."""
    (trait,) = worth().segments[0].traits
    assert (trait.description, trait.effect) == ("dollars spent in 84 days", "+0.50")
    assert (trait.mean, trait.population) == ("512 USD", "331 USD")


def test_results_are_rates_or_amounts() -> None:
    """A rate is a percentage with its interval; an amount has its unit, which its interval does not repeat."""
    amount = {"outcome": "spends", "mean": 541.0, "low": 514.0, "high": 568.0, "population": 334.0, "unit": "USD"}
    segment = {**evaluation()["segmentations"]["worth"]["segments"][0]}
    segment["outcomes"] = [*segment["outcomes"], amount]
    rate, mean = worth(segments=[segment]).segments[0].results
    assert (rate.title, rate.value, rate.interval, rate.population) == (
        "buys within 7 days",
        "25.0%",
        "20.0% to 30.0%",
        "12.5%",
    )
    assert (mean.title, mean.value, mean.interval, mean.population) == ("spends", "541 USD", "514 to 568", "334 USD")


def test_a_rate_that_is_not_known_is_a_dash_beside_everybodys() -> None:
    """A segment without later records still shows the mean of all, as a percentage."""
    segment = {"key": "a", "outcomes": [{"outcome": "buys", "rate": None, "mean": None, "population": 0.125}]}
    (result,) = worth(segments=[segment]).segments[0].results
    assert (result.value, result.interval, result.population) == ("\N{EN DASH}", "", "12.5%")


def test_stability_may_stand_with_the_segmentation() -> None:
    """A segment without an index of its own takes that of its key."""
    view = worth(segments=[{"key": "worth-1-1"}], stability={"jaccard": {"worth-1-1": 0.8}})
    assert view.segments[0].stability.text == "valid"
    assert view.headline == "1 of 1 valid or highly stable"


def test_stability_that_nobody_measured_is_not_denied() -> None:
    """Without figures the headline says that it is not known, rather than that no segment is stable."""
    assert worth(segments=[{"key": "a"}], stability=None).headline == "stability not known"
    assert worth().headline == "1 of 3 valid or highly stable"


def test_where_nobody_went_is_left_out() -> None:
    """Nobody was or came outside, so there is neither row nor column of it."""
    heat = worth().migration
    assert heat is not None
    assert heat.across == ["1", "2", "3"]
    assert heat.rows[1] == (2, "Lapsed", [0.2, 0.7, 0.1])


def test_outside_is_shown_when_somebody_is_there() -> None:
    """Who left all segments is a column, and who came from none a row."""
    shares = [[0.8, 0.2], [None, None]]
    heat = worth(migration={"keys": ["worth-1-1", None], "shares": shares}).migration
    assert heat is not None
    assert [row[1] for row in heat.rows] == ["Regulars", OUTSIDE]
    assert [row[2] for row in heat.rows] == shares


def test_no_migration_is_none() -> None:
    """Without a second date there is no table."""
    assert worth(migration=None).migration is None
    assert worth(migration={"keys": [], "shares": []}).migration is None


def test_figures_that_are_not_known_are_left_out() -> None:
    """Only what was measured is listed."""
    assert [name for name, _ in worth(fidelity=None, outlier_share=None, silhouette=0.0).figures] == [
        "silhouette",
        "davies_bouldin",
        "calinski_harabasz",
        "adjusted_rand",
    ]
