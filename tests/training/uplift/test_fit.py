import numpy as np
import pytest

from tests.training.campaigns import SPECS, campaign, visitors
from training import heads
from training.export.graph import build_graph
from training.export.parity import prove
from training.heads import EXPECTED, Question
from training.learners import Sample
from training.outcomes.examples import CannotLearn
from training.uplift.estimators import FITS_OF_UPLIFT
from training.uplift.fit import UNIT, Uplift, fit_uplift, thinned

MORE = Question("more", "buys because of the coupon", 7, UNIT)
NOBODY = heads.Tested(np.zeros(0, dtype=np.int64), np.zeros((0, 1)), np.zeros(0), "")


def test_known_effect() -> None:
    """Where the effect is known its ranking is found: clearly better than chance, and about as large as it is."""
    sample, treated, effect = campaign(4000, 1)
    head = fit_uplift(MORE, sample, treated, learner="logistic", treated_share=0.5, seed=0)
    figures = head.evaluation["figures"]
    assert isinstance(figures, dict)
    assert figures["qini_low"] > 0
    assert figures["average_effect"] == pytest.approx(effect.mean(), abs=0.06)
    assert figures["effect_top_decile"] > 0.2
    tested = head.tested
    assert np.corrcoef(tested.predicted[:, 0], effect[tested.rows])[0, 1] > 0.7
    np.testing.assert_array_equal(tested.actual, sample.happened[tested.rows])
    assert len(tested.rows) == pytest.approx(0.3 * 4000, abs=5)
    assert [row["method"] for row in head.evaluation["methods"]] == list(FITS_OF_UPLIFT)  # type: ignore[attr-defined]


def test_no_effect() -> None:
    """Where the treatment does nothing, the interval of the Qini holds 0, and so does the mean of the answers."""
    plain = visitors(3000, 4)
    generator = np.random.default_rng(5)
    happened = (generator.random(3000) < 1 / (1 + np.exp(-plain.features[:, 0]))).astype(np.float64)
    sample = Sample(specs=SPECS, features=plain.features, happened=happened, visitors=plain.visitors)
    figures = fit_uplift(MORE, sample, generator.random(3000) < 0.5, learner="logistic", seed=0).evaluation["figures"]
    assert isinstance(figures, dict)
    assert figures["qini_low"] <= 0 <= figures["qini_high"]
    assert abs(figures["mean_predicted"]) < 0.06


@pytest.mark.parametrize("learner", ["logistic", "boosting"])
@pytest.mark.parametrize("method", FITS_OF_UPLIFT)
def test_graph(method: str, learner: str) -> None:
    """The graph of every method says what scikit-learn says, within [-1, 1], in one column of an expectation."""
    sample, treated, effect = campaign(1500, 2)
    head = Uplift(MORE, FITS_OF_UPLIFT[method](sample, treated, learner, 0), NOBODY, {})
    evidence = prove(build_graph([head], len(SPECS)), [head], sample.features, SPECS)
    assert evidence.largest_difference["more"] < 1e-5
    assert head.columns == [(EXPECTED, 1)]
    scores = head.scores(sample.features)[:, 0]
    assert np.abs(scores).max() <= 1
    assert np.corrcoef(scores, effect)[0, 1] > 0.6


def test_same_seed_same_graph() -> None:
    """The same campaign and seed give the same graph, byte for byte."""
    sample, treated, _ = campaign(600, 2)
    fit = FITS_OF_UPLIFT["two_models"]
    one, other = (build_graph([Uplift(MORE, fit(sample, treated, "logistic", 3), NOBODY, {})], 3) for _ in range(2))
    assert one == other


def test_chosen_treatment_is_refused() -> None:
    """A campaign that went to whom somebody chose teaches nothing about its effect, and the sentence says why."""
    sample, _, _ = campaign(1000, 3)
    with pytest.raises(CannotLearn, match="chance did not decide who was treated: the treated differ in x by"):
        fit_uplift(MORE, sample, sample.features[:, 0] > 0.3, seed=0)


def test_wrong_ratio_is_refused() -> None:
    """Half were treated where a third was to be: somebody got lost on the way."""
    sample, treated, _ = campaign(1000, 3)
    with pytest.raises(CannotLearn, match=r"of 1000 were treated, where 33\.0% were to be"):
        fit_uplift(MORE, sample, treated, treated_share=0.33, seed=0)


def test_too_few() -> None:
    """Two events on a side are no ground to learn on."""
    plain = visitors(400, 1)
    treated = np.arange(400) % 2 == 0
    happened = np.where(treated, np.arange(400) % 4 == 0, np.arange(400) < 4).astype(np.float64)
    sample = Sample(specs=SPECS, features=plain.features, happened=happened, visitors=plain.visitors)
    with pytest.raises(CannotLearn, match="of 200 untreated visitors it happened to 2; an uplift needs 20"):
        fit_uplift(MORE, sample, treated, seed=0)


def test_thinned() -> None:
    """A long curve keeps both its ends, and every point has what chance would gain beside it."""
    points = thinned(np.column_stack([np.linspace(0, 1, 5000), np.linspace(0, 0.2, 5000) ** 2]))
    assert len(points) == 200
    assert points[0] == [0, 0, 0]
    assert points[-1] == pytest.approx([1, 0.04, 0.04])
