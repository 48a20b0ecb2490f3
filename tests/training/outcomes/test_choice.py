import dataclasses

import numpy as np
import pytest

from tests.training.outcomes.records import WORDS, table
from training.outcomes.calibration import fit_sigmoid
from training.outcomes.choice import Crossed, balanced, choose, cross
from training.outcomes.examples import Examples, Folds, make_folds
from training.outcomes.kinds import kind_of
from training.outcomes.order import OutcomeOrder

ORDER = OutcomeOrder(name="buys", title="", kind="propensity", methods=("logistic",))


def examples(count: int = 600) -> Examples:
    """Rows with an event."""
    made = table(count)
    return Examples(
        specs=made.specs,
        features=made.features,
        actual=made.outcomes["buys"],
        visitors=made.visitors,
        as_of_ms=None,
        weights=np.ones(count),
    )


def folds(rows: Examples) -> Folds:
    """Three of them."""
    return make_folds(rows, 3, 0, is_amount=False)


def tried(method: str, *losses: float) -> Crossed:
    """A method whose folds went like this."""
    nothing = np.zeros(0, dtype=np.int64)
    return Crossed(method, nothing, nothing, np.zeros((0, 1)), np.zeros((0, 1)), np.array(losses), 1.0)


@pytest.mark.parametrize(
    ("simple", "best"),
    [((0.42, 0.42, 0.42, 0.42), "simple"), ((0.44, 0.44, 0.44, 0.44), "complex"), ((0.3, 0.3, 0.3, 0.3), "simple")],
    ids=["within one standard error", "worse by more than that", "better"],
)
def test_simplest_within_one_standard_error(simple: tuple[float, ...], best: str) -> None:
    """The complex method's mean is 0.4 and its standard error 0.03: up to 0.43 the simple one is taken."""
    deviation = 0.03 * np.sqrt(3)  # of two folds on each side, so that the sample's is twice the error
    complicated = tried("complex", *(0.4 + deviation * np.array([-1, -1, 1, 1])))
    assert complicated.losses.std(ddof=1) / 2 == pytest.approx(0.03)
    assert choose([tried("simple", *simple), complicated]).method == best


def test_row_of_the_evaluation() -> None:
    """A method is reported by the mean and the deviation of its folds."""
    assert tried("tree", 1.0, 3.0).to_row("log_loss") == {
        "method": "tree",
        "figure": "log_loss",
        "mean": 2.0,
        "sd": pytest.approx(np.sqrt(2)),
        "seconds": 1.0,
    }


def test_no_model_knows_the_fold_that_it_is_tried_on() -> None:
    """What a model says of a fold does not change when that fold's outcomes are turned round; of the others it does."""
    rows = examples()
    made = folds(rows)
    own = made.folds[1].test
    turned = rows.actual.copy()
    turned[own] = 1 - turned[own]
    kind = kind_of(ORDER)
    before = cross("logistic", rows, made, kind, ORDER, 0)
    after = cross("logistic", dataclasses.replace(rows, actual=turned), made, kind, ORDER, 0)
    of_fold = np.isin(before.rows, own)
    np.testing.assert_array_equal(before.raw[of_fold], after.raw[of_fold])
    assert (before.raw[~of_fold] != after.raw[~of_fold]).all()


def test_each_fold_is_calibrated_on_the_others() -> None:
    """A fold's probabilities are those of the sigmoid that was fitted on the rows of the other folds."""
    rows = examples()
    crossed = cross("logistic", rows, folds(rows), kind_of(ORDER), ORDER, 0)
    for k in range(3):
        others, own = crossed.fold_of != k, crossed.fold_of == k
        sigmoid = fit_sigmoid(crossed.raw[others], rows.actual[crossed.rows[others]])
        np.testing.assert_array_equal(crossed.predicted[own], sigmoid.apply(crossed.raw[own]))


def test_rows_come_back_in_their_order() -> None:
    """Every row is said something of, once, by the models of the other folds."""
    rows = examples()
    crossed = cross("logistic", rows, folds(rows), kind_of(ORDER), ORDER, 0)
    np.testing.assert_array_equal(crossed.rows, np.arange(600))
    assert crossed.losses.shape == (3,)


def test_balanced_weights() -> None:
    """All classes weigh as much together, and all rows as much as before, whatever weights they came with."""
    rows = examples()
    given = dataclasses.replace(rows, weights=np.linspace(1, 2, 600))
    weights = balanced(given).weights
    assert weights.sum() == pytest.approx(given.weights.sum())
    assert weights[rows.actual == 1].sum() == pytest.approx(weights[rows.actual == 0].sum())
    ratio = weights / given.weights
    assert len(np.unique(ratio.round(12))) == 2


def test_balanced_and_calibrated() -> None:
    """Balanced weights make an event seem likely; the calibration brings its rate back."""
    rows = examples(2000)
    order = dataclasses.replace(ORDER, weights="balanced")
    made = folds(rows)
    calibrated = cross("logistic", rows, made, kind_of(order), order, 0)
    plain = cross("logistic", rows, made, kind_of(order), dataclasses.replace(order, calibration="none"), 0)
    assert calibrated.predicted.mean() == pytest.approx(rows.actual.mean(), abs=0.01)
    assert abs(plain.predicted.mean() - rows.actual.mean()) > 0.05


def test_balanced_classes_are_as_frequent_as_before() -> None:
    """Of classes, too, the calibration undoes what the weights did to their frequencies."""
    drawn = table(2000).outcomes["next"]
    rows = dataclasses.replace(examples(2000), actual=np.where(np.arange(2000) % 3 > 0, 0.0, drawn))
    order = OutcomeOrder(
        name="next",
        title="",
        kind="classes",
        methods=("logistic",),
        classes=WORDS,
        calibration="temperature",
        weights="balanced",
    )
    crossed = cross("logistic", rows, folds(rows), kind_of(order), order, 0)
    shares = np.bincount(rows.actual.astype(int)) / 2000
    assert shares.min() < 0.1
    np.testing.assert_allclose(crossed.predicted.mean(axis=0), shares, atol=0.01)
