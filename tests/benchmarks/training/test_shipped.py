from pathlib import Path

from rich.console import Console

from tests.benchmarks.figures import Figure
from tests.benchmarks.spread import spread
from tests.benchmarks.training import purchases, sentences, shipped
from tests.benchmarks.training.moment import row_us
from tests.benchmarks.training.options import SHIPPED
from tests.benchmarks.training.shipped import QUALITIES, Quality
from tests.benchmarks.training.versions import Versions
from tests.bundles import Made

EVALUATION = {
    "outcomes": {"buys": {"figures": {"roc_auc": 0.9}, "without": [{"features": ["x"], "figures": {"roc_auc": 0.7}}]}}
}


def test_every_shipped_configuration_is_judged() -> None:
    """None can be added without a figure."""
    assert set(QUALITIES) == set(SHIPPED)


def test_figures_are_those_of_the_evaluation() -> None:
    """With and without the features that come too late."""
    assert Quality("buys", "roc_auc").read(EVALUATION) == 0.9
    assert Quality("buys", "roc_auc", is_reduced=True).read(EVALUATION) == 0.7


def test_missing_records_are_left_out_by_name(tmp_path: Path) -> None:
    """Every figure is in the table without a number, and the note names the file that is not there."""
    versions = Versions(tmp_path, tmp_path / "work", Console(quiet=True))
    figures = [*shipped.measure("telecom", versions, rounds=1), *sentences.measure(tmp_path)]

    assert [figure.name for figure in figures] == [*shipped.names("telecom"), *sentences.NAMES]
    assert all(figure.measured is None for figure in figures)
    assert "telco_customer_churn.csv" in figures[0].note
    assert "sentiment_labelled_sentences.zip" in figures[-1].note


def test_bars() -> None:
    """What is wanted holds at the bar itself, of families of figures too."""
    wanted = {
        "shoppers_roc_auc": 0.93,
        "shoppers_average_precision": 0.75,
        "telecom_roc_auc": 0.845,
        "bank_roc_auc": 0.80,
        "sentences_accuracy": 0.83,
    }
    for name, bar in wanted.items():
        assert Figure(name, "", spread([bar])).holds
        assert not Figure(name, "", spread([bar - 1e-6])).holds
    assert Figure("parity_kmeans", "", spread([2e-5])).holds is False
    assert Figure("bgnbd_largest_error", "", spread([0.011])).holds is False
    assert Figure("one_row_bank_us", "µs", spread([100.0])).holds is False
    assert Figure("train_bank_s", "s", spread([100.0])).bar is None


def test_one_row_takes_time(made: Made) -> None:
    """A round gives one median, in microseconds: less than a second, more than nothing."""
    (median,) = row_us(made.graph, made.population, rounds=1)

    assert 0 < median < 1e6


def test_purchases_are_figures_or_left_out() -> None:
    """Both models are in the table, and where the purchases are installed their bar holds."""
    figures = list(purchases.measure())

    assert [figure.name for figure in figures] == list(purchases.NAMES)
    assert all(figure.holds is not False for figure in figures)
