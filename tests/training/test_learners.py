import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.campaigns import audience
from training.learners import FITS, chosen_elsewhere, deal, probability, simplest, splits


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 1)), min_size=10, max_size=60), st.integers(0, 3))
def test_folds(rows: list[tuple[int, int]], seed: int) -> None:
    """A visitor is in one fold, every row is tried once, and folds have as many visitors of a stratum, but for one."""
    visitors = np.array([f"v{who}" for who, _ in rows])
    strata = np.array([float(what) for _, what in rows])
    fold_of = deal(visitors, strata, 2, seed)
    homes = {(who, fold) for who, fold in zip(visitors.tolist(), fold_of.tolist(), strict=True)}
    assert len(homes) == len(set(visitors.tolist()))
    tried = np.concatenate([test for _, test in splits(fold_of)])
    assert sorted(tried.tolist()) == list(range(len(rows)))
    happened = {who for who, what in zip(visitors.tolist(), strata.tolist(), strict=True) if what}
    sizes = [sum(fold == k and who in happened for who, fold in homes) for k in (0, 1)]
    assert abs(sizes[0] - sizes[1]) <= 1


def test_simplest() -> None:
    """The first within one standard error of the best, not the best itself; each fold is left out of its own choice."""
    figures = {"plain": np.array([0.70, 0.72, 0.71]), "rich": np.array([0.70, 0.80, 0.69])}
    assert simplest(figures) == "plain"
    assert simplest({"plain": np.array([0.5, 0.5, 0.5]), "rich": figures["rich"]}) == "rich"
    lucky = {"plain": np.array([0.5, 0.5, 0.1]), "rich": np.array([0.5, 0.5, 0.9])}
    assert (chosen_elsewhere(lucky, 2), chosen_elsewhere(lucky, 0)) == ("plain", "rich")


@pytest.mark.parametrize("learner", FITS)
def test_learners_learn(learner: str) -> None:
    """Each learner's probabilities have the right mean, and tell those to whom it happened from the others."""
    sample, belongs = audience(1500, 3, listed=1.0)
    said = probability(FITS[learner](sample, 0), sample.features)
    assert said.mean() == pytest.approx(belongs.mean(), abs=0.02)
    assert said[belongs].mean() > 0.6
    assert said[~belongs].mean() < 0.2
