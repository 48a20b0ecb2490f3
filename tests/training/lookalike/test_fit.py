import dataclasses

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tests.training.campaigns import SPECS, audience, visitors
from training.export.graph import build_graph
from training.export.parity import prove
from training.heads import PROBABILITY, BoolArray, Question
from training.learners import FITS, Sample
from training.lookalike.fit import Lookalike, belonging, estimate_labelled_share, fit_lookalike, recovery
from training.outcomes.examples import CannotLearn

Made = tuple[Sample, BoolArray, Lookalike]

ALIKE = Question("alike", "like our members", 0)


@pytest.fixture(scope="module")
def made() -> Made:
    """Visitors of whom a quarter belong and 40 % of those are listed, and the lookalike of them."""
    sample, belongs = audience(4000, 1, listed=0.4)
    return sample, belongs, fit_lookalike(ALIKE, sample, methods=["logistic"], seed=0)


def test_finds_who_is_not_listed(made: Made) -> None:
    """Among those who are not listed, they who belong rank first, though no example said so."""
    sample, belongs, head = made
    rest = sample.happened == 0
    assert roc_auc_score(belongs[rest], head.tested.predicted[rest, 0]) > 0.95


def test_estimated_labelled_share(made: Made) -> None:
    """Estimated, the labelled share is within a factor of 1.5 of the truth, and so is how many are said to belong."""
    _, belongs, head = made
    assert 1 / 1.5 < head.labelled_share / 0.4 < 1.5
    assert 1 / 1.5 < head.tested.predicted.mean() / belongs.mean() < 1.5
    assert head.evaluation["expected_share"] == pytest.approx(head.tested.predicted.mean())


def test_given_labelled_share(made: Made) -> None:
    """Who knows which share of the members is listed may say so: then about as many are said to belong as do."""
    sample, belongs, estimated = made
    head = fit_lookalike(ALIKE, sample, methods=["logistic"], labelled_share=0.4, seed=0)
    assert (head.labelled_share, head.evaluation["labelled_share_from"]) == (0.4, "the configuration")
    assert head.tested.predicted.mean() == pytest.approx(belongs.mean(), rel=0.2)
    assert len(str(head.evaluation["assumptions"])) < len(str(estimated.evaluation["assumptions"]))


def test_held_out_members_are_recovered(made: Made) -> None:
    """In the tenth of visitors with the highest scores there are several times as many members as by chance."""
    rows = made[2].evaluation["recovery"]
    assert isinstance(rows, list)
    assert [row["share"] for row in rows] == [0.01, 0.05, 0.1, 0.2]
    assert rows[2]["lift"] > 3
    assert rows[3]["recall"] > 0.7


@pytest.mark.parametrize("method", FITS)
def test_graph(made: Made, method: str) -> None:
    """The graph of every method says what scikit-learn says, at most 1, and has one column of a probability."""
    sample, _ = audience(800, 2, listed=0.5)
    head = dataclasses.replace(made[2], model=FITS[method](sample, 0))
    evidence = prove(build_graph([head], len(SPECS)), [head], sample.features, SPECS)
    assert evidence.largest_difference["alike"] < 1e-5
    assert head.columns == [(PROBABILITY, 1)]
    assert 0 <= head.scores(sample.features).min() < head.scores(sample.features).max() <= 1


def test_same_seed_same_graph() -> None:
    """The same audience and seed give the same graph, byte for byte."""
    sample, _ = audience(600, 2, listed=0.5)
    one, other = (build_graph([fit_lookalike(ALIKE, sample, methods=["logistic"], seed=7)], 3) for _ in range(2))
    assert one == other


def test_belonging_by_hand() -> None:
    """Being listed, over the listed share, at most 1; the share is what the surest members reach."""
    assert belonging(np.array([0.1, 0.2, 0.5]), 0.4).tolist() == [0.25, 0.5, 1.0]
    assert estimate_labelled_share(np.linspace(0, 1, 11)) == pytest.approx(0.9)


def test_recovery_by_hand() -> None:
    """Of 100 visitors the best 10 hold 3 of 6 members: half of them, five times chance. Ties are broken by chance."""
    member = np.zeros(100)
    member[[0, 1, 2, 50, 51, 52]] = 1
    rows = recovery(member, -np.arange(100.0), seed=0)
    assert rows[2] == {"share": 0.1, "count": 10, "recall": 0.5, "lift": pytest.approx(5)}
    equal = np.mean([recovery(member, np.zeros(100), seed)[3]["recall"] for seed in range(200)])
    assert equal == pytest.approx(0.2, abs=0.03)


@pytest.mark.parametrize(
    ("members", "text"),
    [(4, "the audience has 4 visitors among the rows"), (95, "all but 5 of the visitors are in the audience")],
)
def test_audiences_of_no_use(members: int, text: str) -> None:
    """Too few members, or hardly anybody else, are refused in a sentence."""
    plain = visitors(100, 0)
    happened = (np.arange(100) < members).astype(np.float64)
    sample = Sample(specs=SPECS, features=plain.features, happened=happened, visitors=plain.visitors)
    with pytest.raises(CannotLearn, match=text):
        fit_lookalike(ALIKE, sample, seed=0)
