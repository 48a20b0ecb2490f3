import numpy as np
import pytest

from tests.training.judging.tables import events, table
from training.heads import FloatArray
from training.judging.importance import importance, some_visitors
from training.judging.ranking import Ranking


def _auc(scores: FloatArray, actual: FloatArray) -> float:
    return Ranking.of(actual, scores[:, 0]).areas(np.ones(len(actual)))["roc_auc"]


def test_order_of_what_matters() -> None:
    """The stronger feature costs more than the weaker, those that the head does not look at exactly nothing."""
    rows, head = events(1500, 0)
    found = importance(head, rows, rows.outcomes["buys"], _auc, 3, 0)
    assert [one["feature"] for one in found[:2]] == ["a", "b"]
    assert found[0]["mean"] > found[1]["mean"] + 0.03
    assert [(one["mean"], one["sd"]) for one in found[2:]] == [(0, 0), (0, 0)]
    assert found[0]["sd"] < 0.02


def test_nothing_but_the_feature() -> None:
    """Without the only feature that says anything, the AUC of 1 becomes one half."""
    values = np.linspace(-5, 5, 2000)
    rows = table(np.column_stack([values, values * 0, values * 0, values * 0]))
    _, head = events(8, 0)
    found = importance(head, rows, (values > 0).astype(float), _auc, 4, 0)
    assert found[0] == {"feature": "a", "mean": pytest.approx(0.5, abs=0.03), "sd": found[0]["sd"]}


def test_visitors_are_shuffled_whole() -> None:
    """Where every visitor's rows are alike, they still are after it: each has the values of one other visitor."""
    own = np.arange(60, dtype=float)
    people = np.repeat(np.arange(60), np.arange(60) % 4 + 1)
    rows = table(np.repeat(own[:, None], 4, axis=1)[people], visitors=people)
    seen = []

    class Watched:
        """Notes what it is asked about."""

        def scores(self, features: FloatArray) -> FloatArray:
            """Zeros."""
            seen.append(features[:, 0])
            return np.zeros((len(features), 1))

    importance(Watched(), rows, own, lambda _scores, _actual: 0.0, 2, 0)  # type: ignore[arg-type]
    for values in seen:
        assert all(len(set(values[people == person])) == 1 for person in range(60))
    assert (seen[1] != seen[0]).mean() > 0.9
    assert not np.array_equal(seen[1], seen[2])


def test_some_visitors() -> None:
    """No more rows than asked for, of visitors who are whole, in their order; all of them where that is few enough."""
    people = np.repeat(np.arange(100), 3).astype(str)
    rows = some_visitors(people, 100, 0)
    assert len(rows) == 99
    assert (np.unique(people[rows], return_counts=True)[1] == 3).all()
    assert (np.diff(rows) > 0).all()
    assert some_visitors(people, 300, 0).tolist() == list(range(300))
