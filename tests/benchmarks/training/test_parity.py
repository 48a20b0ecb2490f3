from tests.benchmarks.training.made import visitors
from tests.benchmarks.training.methods import cases, prepare
from tests.benchmarks.training.parity import halve

EXPECTED = {
    "": "kmeans minibatch_kmeans gaussian_mixture hierarchy dbscan hdbscan rules rfm lifecycle",
    "propensity_": "logistic tree forest boosting lightgbm network",
    "classes_": "logistic tree forest boosting lightgbm network",
    "value_": "linear tree forest boosting gamma lightgbm tweedie",
    "lookalike_": "logistic boosting",
    "uplift_": "two_models_logistic two_models_boosting transformed_outcome_logistic transformed_outcome_boosting",
}


def test_every_method_is_compared() -> None:
    """All that a configuration can name, of every kind of head, once."""
    names = [case.name for case in cases()]

    assert len(names) == len(set(names))
    assert set(names) == {f"parity_{kind}{method}" for kind, methods in EXPECTED.items() for method in methods.split()}


def test_halves_share_no_visitor() -> None:
    """Who is in what a method is fitted on is never asked about, and the fitted rows are as many as wanted."""
    halves = halve(visitors(400), 50)

    assert len(halves.fitted) == 50
    assert len(halves.held_out) > 100
    assert not set(halves.fitted.visitors.tolist()) & set(halves.held_out.visitors.tolist())


def test_prepared_rows_have_classes_and_a_treatment() -> None:
    """Nothing, less and more are all there, and chance treats about half."""
    table = prepare(visitors(400))

    assert set(table.outcomes["spends"].tolist()) == {0, 1, 2}
    assert ((table.outcomes["spend_90d"] == 0) == (table.outcomes["spends"] == 0)).all()
    assert 100 < sum(table.columns["had_coupon"]) < 300
