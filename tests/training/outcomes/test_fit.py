import dataclasses

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from tests.training.outcomes.records import DAY_MS, SPECS, WORDS, of_file, table, weekly
from training.export.graph import build_graph
from training.export.parity import prove
from training.heads import CLASS, EXPECTED, PROBABILITY, Outcome
from training.outcomes.examples import CannotLearn
from training.outcomes.fit import fit_outcome
from training.outcomes.order import OutcomeOrder
from training.table import Table

BUYS = OutcomeOrder(name="buys", title="buys", kind="propensity", methods=("logistic",), horizon_days=7, folds=3)
NEXT = OutcomeOrder(
    name="next", title="next", kind="classes", methods=("logistic",), classes=WORDS, calibration="temperature", folds=3
)
SPENDS = OutcomeOrder(
    name="spends", title="spends", kind="value", methods=("linear",), unit="EUR", calibration="ratio", folds=3
)


def with_outcome(rows: Table, name: str, values: np.ndarray) -> Table:
    """The same rows with another answer."""
    return dataclasses.replace(rows, outcomes={**rows.outcomes, name: values})


def test_heads_of_the_three_kinds() -> None:
    """Each kind is an outcome with its own column, its question, and figures of rows that it was not fitted on."""
    rows = table(600)
    for order, columns, figure in (
        (BUYS, [(PROBABILITY, 1)], "average_precision"),
        (NEXT, [(CLASS, 4)], "top3"),
        (SPENDS, [(EXPECTED, 1)], "total_ratio"),
    ):
        head = fit_outcome(order, rows, 0)
        assert isinstance(head, Outcome)
        assert list(head.columns) == columns
        assert (head.question, head.classes) == (order.question, order.classes)
        assert head.tested.predicted.shape == (600, columns[0][1])
        figures, baseline = head.evaluation["figures"], head.evaluation["baseline"]
        assert isinstance(figures, dict)
        assert isinstance(baseline, dict)
        assert figures.keys() == baseline["figures"].keys()
        assert figure in figures


def test_tested_out_of_fold() -> None:
    """A model that learns rows by heart has nothing to show: its figures are by chance, and everyone gets the rate."""
    rows = table(800)
    noise = with_outcome(rows, "buys", np.random.default_rng(1).integers(0, 2, 800).astype(float))
    head = fit_outcome(dataclasses.replace(BUYS, methods=("lightgbm",)), noise, 0)
    tested = head.tested
    assert tested.split == "3 folds by visitor"
    assert abs(roc_auc_score(tested.actual, tested.predicted[:, 0]) - 0.5) < 0.08
    assert roc_auc_score(noise.outcomes["buys"], head.model.raw(noise.features)[:, 0]) > 0.9
    assert head.scores(noise.features) == pytest.approx(noise.outcomes["buys"].mean(), abs=0.01)


def test_unknown_outcomes_are_left_out() -> None:
    """Rows of which nobody knows what came have no part: the head is that of the others, its rows are theirs."""
    rows = table(600)
    is_known = np.arange(600) % 3 > 0
    partly = with_outcome(rows, "buys", np.where(is_known, rows.outcomes["buys"], np.nan))
    head, other = fit_outcome(BUYS, partly, 0), fit_outcome(BUYS, rows.where(is_known), 0)
    np.testing.assert_array_equal(head.tested.rows, np.flatnonzero(is_known))
    np.testing.assert_array_equal(head.tested.actual, rows.outcomes["buys"][is_known])
    np.testing.assert_array_equal(head.scores(rows.features), other.scores(rows.features))


def test_tested_on_later_rows() -> None:
    """With times, rows of the last four weeks are tested, by a model whose outcomes were known by then."""
    rows = weekly(60, 12)
    head = fit_outcome(dataclasses.replace(BUYS, horizon_days=14), rows, 0)
    assert rows.as_of_ms is not None
    np.testing.assert_array_equal(head.tested.rows, np.flatnonzero(rows.as_of_ms >= 8 * 7 * DAY_MS))
    assert head.tested.split == (
        "fitted on rows of 1970-01-01 to 1970-02-12, tested on rows of 1970-02-26 to 1970-03-19, "
        "with a gap of 14 days between"
    )
    assert head.evaluation["tested"] == {
        "row_count": 240,
        "visitor_count": 60,
        "split": head.tested.split,
        "from_ms": 8 * 7 * DAY_MS,
        "to_ms": 11 * 7 * DAY_MS,
    }


def test_the_tested_outcomes_change_the_served_model_alone() -> None:
    """What came later has no part in what was said of it; what is served is fitted on it as well."""
    rows = weekly(60, 12)
    assert rows.as_of_ms is not None
    is_later = rows.as_of_ms > 6 * 7 * DAY_MS
    turned = with_outcome(rows, "buys", np.where(is_later, 1 - rows.outcomes["buys"], rows.outcomes["buys"]))
    order = dataclasses.replace(BUYS, horizon_days=14, methods=("logistic", "tree"))
    head, other = fit_outcome(order, rows, 0), fit_outcome(order, turned, 0)
    np.testing.assert_array_equal(head.tested.predicted, other.tested.predicted)
    assert (head.scores(rows.features) != other.scores(rows.features)).any()


def test_without_some_features() -> None:
    """The head is judged without features as well, by the same rows; what is served has them."""
    rows = table(900)
    head = fit_outcome(dataclasses.replace(BUYS, without=("drift", "spend")), rows, 0)
    (reduced,) = head.reduced
    assert reduced.features == ("drift", "spend")
    np.testing.assert_array_equal(reduced.tested.rows, head.tested.rows)
    fewer = dataclasses.replace(
        rows, specs=[SPECS[i] for i in (1, 3, 4, 5)], features=rows.features[:, [1, 3, 4, 5]].copy()
    )
    np.testing.assert_array_equal(reduced.tested.predicted, fit_outcome(BUYS, fewer, 0).tested.predicted)
    changed = rows.features.copy()
    changed[:, 2] += 1
    is_inside = changed[:, 2] < rows.features[:, 2].max()
    assert (head.scores(changed) > head.scores(rows.features))[is_inside].all()


def test_chosen_by_the_rule() -> None:
    """Where the law is linear, the linear model is chosen, and the others' figures are told with the rule."""
    head = fit_outcome(dataclasses.replace(BUYS, methods=("logistic", "tree", "lightgbm")), table(1200), 0)
    methods = head.evaluation["methods"]
    assert isinstance(methods, list)
    assert (head.method, [row["method"] for row in methods]) == ("logistic", ["logistic", "tree", "lightgbm"])
    assert head.evaluation["rule"] == (
        "the simplest method whose mean log loss over the folds is within one standard error of the best one's; "
        "from simple to complex: logistic, tree, lightgbm; 3 folds by visitor"
    )
    assert head.tested.split == "3 folds by visitor, on which the method was chosen too"


def test_baselines() -> None:
    """Compared with logistic regression, with the rate where that is chosen, with a feature where one is named."""
    rows = table(600)
    tree = fit_outcome(dataclasses.replace(BUYS, methods=("tree",)), rows, 0).evaluation["baseline"]
    plain = fit_outcome(BUYS, rows, 0)
    assert isinstance(tree, dict)
    assert tree["what"] == "logistic regression on the same rows"
    assert tree["figures"] == plain.evaluation["figures"]
    baseline = plain.evaluation["baseline"]
    assert isinstance(baseline, dict)
    assert baseline["figures"]["roc_auc"] == 0.5
    value = fit_outcome(dataclasses.replace(SPENDS, baseline="spend"), rows, 0).evaluation["baseline"]
    assert isinstance(value, dict)
    assert value["what"] == "spend, times what makes the total right"
    assert value["figures"]["total_ratio"] == pytest.approx(1)


def test_the_mean_is_right() -> None:
    """Expected amounts of visitors that were not fitted on add up to what they spent, whatever the method."""
    rows = table(3000)
    for method in ("linear", "tree", "tweedie"):
        head = fit_outcome(dataclasses.replace(SPENDS, methods=(method,)), rows, 0)
        assert head.tested.predicted.sum() / head.tested.actual.sum() == pytest.approx(1, abs=0.02)


def test_weights_of_the_rows() -> None:
    """Rows of weight 0 have no part in the model; their calibration is that of the others."""
    rows = table(900)
    weights = np.where(rows.features[:, 3] == 1, 0.0, 1.0)
    head = fit_outcome(BUYS, rows, 0, weights)
    turned = np.where(weights == 0, 1 - rows.outcomes["buys"], rows.outcomes["buys"])
    other = fit_outcome(dataclasses.replace(BUYS, calibration="none"), with_outcome(rows, "buys", turned), 0, weights)
    np.testing.assert_allclose(head.model.raw(rows.features), other.model.raw(rows.features), atol=1e-9)


@pytest.mark.parametrize(
    ("order", "outcome", "error"),
    [
        (BUYS, [np.nan] * 12, "of none of 12 rows it is known"),
        (BUYS, [0.0] * 12, "of 12 rows with a known outcome, the event happened in 0, of 0 visitors; needed are"),
        (BUYS, [1.0] * 12, "the event did not happen in 0"),
        (BUYS, [1.0] * 4 + [0.0] * 8, "the event happened in 4, of 2 visitors; needed are at least 3 visitors"),
        (BUYS, [2.0] + [0.0] * 11, "an event is 0 or 1; found is 2"),
        (NEXT, [0.0, 1, 2, 7] * 3, "a class is a position from 0 to 3; found is 7"),
        (NEXT, [0.0, 1, 2, 2] * 3, "the class is 'toys' in 0"),
        (SPENDS, [-3.0, 1.0] * 6, "6 of 12 amounts are below 0, the least is -3; a value is at least 0"),
        (SPENDS, [np.inf, 1.0] * 6, "6 of 12 amounts are infinite"),
        (SPENDS, [0.0] * 12, "the amount is above 0 in 0"),
        (dataclasses.replace(SPENDS, methods=("gamma",)), [0.0, 1.0] * 6, "6 amounts are 0, which the method gamma"),
        (dataclasses.replace(BUYS, without=("sped",)), [0.0, 1.0] * 6, "'sped' is no feature; there are spend, visits"),
        (dataclasses.replace(BUYS, without=tuple(s.name for s in SPECS)), [0.0, 1.0] * 6, "leaves no feature"),
    ],
)
def test_what_cannot_be_learnt(order: OutcomeOrder, outcome: list[float], error: str) -> None:
    """Records that do not answer are refused in a sentence that names the outcome."""
    with pytest.raises(CannotLearn, match=rf"^outcome '{order.name}': .*{error}"):
        fit_outcome(order, with_outcome(table(12), order.name, np.array(outcome)), 0)


def test_online_shoppers() -> None:
    """Real shop sessions: as good as others reach, calibrated, graph the same; much less without PageValues."""
    rows = of_file("online_shoppers_intention.csv", "Revenue")
    order = dataclasses.replace(BUYS, methods=("lightgbm",), without=("pagevalues",), folds=5)
    head = fit_outcome(order, rows, 0)
    actual, predicted = head.tested.actual, head.tested.predicted[:, 0]
    assert len(actual) == 12_330
    assert roc_auc_score(actual, predicted) >= 0.93
    assert average_precision_score(actual, predicted) >= 0.75
    assert predicted.mean() == pytest.approx(actual.mean(), abs=0.002)
    without = head.reduced[0].tested
    assert 0.77 < roc_auc_score(without.actual, without.predicted[:, 0]) < 0.80
    prove(build_graph([head], len(rows.specs)), [head], rows.features, rows.specs)


def test_telco_customers() -> None:
    """Real contracts: logistic regression tells who leaves as well as others reach."""
    rows = of_file("telco_customer_churn.csv", "Churn", left_out=("customerID",))
    tested = fit_outcome(dataclasses.replace(BUYS, folds=5), rows, 0).tested
    assert roc_auc_score(tested.actual, tested.predicted[:, 0]) >= 0.845
