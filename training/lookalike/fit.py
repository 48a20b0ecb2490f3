"""How alike visitors are to the members of an audience, from members and the rest, of whom nothing is known.

The rest is no counter-example: among them are those who are looked for. What can be learned is how likely a visitor is
to be listed as a member. If who is listed among all that belong is chosen regardless of the features (selected
completely at random), that is the wanted probability times c, the share of those who belong that is listed.

Source: C. Elkan, K. Noto, Learning classifiers from only positive and unlabeled data, 2008. Bagging (Mordelet and Vert,
2014) was not taken: its scores are no probabilities, and it exports many estimators instead of one.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.metrics import average_precision_score, roc_auc_score

from training.export.estimators import emit_probability
from training.export.nodes import Nodes
from training.features import Features
from training.heads import PROBABILITY, Column, FloatArray, Question, Tested
from training.learners import (
    FITS,
    FOLDS,
    Positions,
    Sample,
    chosen_elsewhere,
    deal,
    probability,
    simplest,
    splits,
)
from training.outcomes.examples import CannotLearn

RULE: Final = (
    "the largest average precision of held-out members among all visitors; the simplest within one standard error of it"
)
SPLIT: Final = "five folds by visitor, each by the method that the other folds choose"
_SURE_MEMBERS: Final = 0.9
_SHARES: Final = (0.01, 0.05, 0.1, 0.2)  # of visitors, in which members are looked for again
_GIVEN = ("who of those that belong to the audience is listed does not depend on the features",)
_ESTIMATED = (
    *_GIVEN,
    "the tenth of the members that the model is surest of belong without doubt",
)


@dataclass(frozen=True, slots=True)
class Lookalike:
    """How likely a visitor belongs to an audience, whether listed or not.

    Attributes:
        question: what is answered.
        model: of the probability to be listed.
        labelled_share: of those who belong, in (0, 1].
        tested: every row, said by a model that was fitted on other visitors; actual is who is listed.
        evaluation: how well listed members are found again.
    """

    question: Question
    model: BaseEstimator
    labelled_share: float
    tested: Tested
    evaluation: dict[str, object]

    @property
    def name(self) -> str:
        """Name of the head."""
        return self.question.name

    @property
    def title(self) -> str:
        """What it answers."""
        return self.question.title

    @property
    def columns(self) -> Sequence[Column]:
        """See Head."""
        return [(PROBABILITY, 1)]

    def scores(self, features: Features) -> FloatArray:
        """Probability to belong, shape (n, 1)."""
        return belonging(probability(self.model, features), self.labelled_share)[:, None]

    def emit(self, nodes: Nodes, features: str) -> str:
        """The probability to be listed, divided by the labelled share, at most 1."""
        listed = emit_probability(nodes, self.model, features)
        belongs = nodes.add("Div", listed, nodes.constant(self.labelled_share, np.float32))
        return nodes.add("Min", belongs, nodes.constant(1.0, np.float32))


def belonging(listed: FloatArray, labelled_share: float) -> FloatArray:
    """Probability to belong, from that to be listed. Shapes (n,). Source: Elkan and Noto, lemma 1."""
    return np.minimum(listed / labelled_share, 1.0)


def estimate_labelled_share(listed: FloatArray) -> float:
    """The share of those who belong that is listed.

    It is the probability to be listed of whoever belongs without doubt. Elkan and Noto take the mean of held-out
    members (e1), which is right when all of them do; where members and others are mixed it is too low, and expects up
    to 2.7 times those who belong. Their 0.9 quantile expects from 0.7 to 2 times as many, over twelve mixtures.
    (measured)

    Args:
        listed: shape (m,), of members, by models that were fitted without them.
    """
    return float(np.quantile(listed, _SURE_MEMBERS))


def fit_lookalike(
    question: Question,
    sample: Sample,
    *,
    methods: Sequence[str] = tuple(FITS),
    labelled_share: float | None = None,
    seed: int,
) -> Lookalike:
    """The lookalike of an audience, by the learner that finds held-out members best.

    Args:
        question: what is answered.
        sample: every visitor; happened is 1 for members of the audience.
        methods: names of learners, the simplest first.
        labelled_share: of those who belong, None: to be estimated.
        seed: of folds and trees.

    Raises:
        CannotLearn: the audience is too small, or everybody.
    """
    _check(sample)
    fold_of = deal(sample.visitors, sample.happened, FOLDS, seed)
    tried = {method: _out_of_fold(method, sample, fold_of, seed) for method in methods}
    figures = {method: one.figures for method, one in tried.items()}
    best = simplest(figures)
    share = labelled_share or estimate_labelled_share(tried[best].listed[sample.happened > 0])
    listed, predicted = np.empty(len(fold_of)), np.empty(len(fold_of))
    for fold, (_, rows) in enumerate(splits(fold_of)):
        listed[rows] = tried[chosen_elsewhere(figures, fold)].listed[rows]
    for rest, rows in splits(fold_of):
        others = listed[rest][sample.happened[rest] > 0]
        predicted[rows] = belonging(listed[rows], labelled_share or estimate_labelled_share(others))
    evaluation: dict[str, object] = {
        "method": best,
        "rule": RULE,
        "methods": [one.to_dict(method) for method, one in tried.items()],
        "labelled_share": share,
        "labelled_share_from": "the configuration" if labelled_share else "held-out members",
        "assumptions": list(_GIVEN if labelled_share else _ESTIMATED),
        "expected_share": float(predicted.mean()),
        "figures": judge_recovery(sample.happened, listed),
        "recovery": recovery(sample.happened, predicted, seed),
    }
    tested = Tested(np.arange(len(listed)), predicted[:, None], sample.happened, SPLIT)
    return Lookalike(question, FITS[best](sample, seed), share, tested, evaluation)


@dataclass(frozen=True, slots=True, eq=False)
class _Tried:
    """One learner: the probabilities of rows by models of other visitors, the figure of each fold, and the seconds."""

    listed: FloatArray
    figures: FloatArray
    seconds: float

    def to_dict(self, method: str) -> dict[str, object]:
        return {
            "method": method,
            "figure": "average_precision",
            "mean": float(self.figures.mean()),
            "sd": float(self.figures.std(ddof=1)),
            "seconds": self.seconds,
        }


def _out_of_fold(method: str, sample: Sample, fold_of: Positions, seed: int) -> _Tried:
    began = time.perf_counter()
    listed, figures = np.empty(len(fold_of)), []
    for train, test in splits(fold_of):
        listed[test] = probability(FITS[method](sample.at(train), seed), sample.features[test])
        figures.append(average_precision_score(sample.happened[test], listed[test]))
    return _Tried(listed, np.array(figures), time.perf_counter() - began)


def judge_recovery(member: FloatArray, score: FloatArray) -> dict[str, float]:
    """How well members rank among all visitors, by scores of models that did not know them. Shapes (n,)."""
    return {
        "base_rate": float(member.mean()),
        "roc_auc": float(roc_auc_score(member, score)),
        "average_precision": float(average_precision_score(member, score)),
    }


def recovery(member: FloatArray, score: FloatArray, seed: int) -> list[dict[str, float]]:
    """Which share of the members is among the visitors with the highest scores, and how many times chance that is.

    Args:
        member: shape (n,), 0 or 1.
        score: shape (n,).
        seed: decides the order of visitors with equal scores.
    """
    mixed = np.random.default_rng(seed).permutation(len(score))
    ranked = member[mixed[np.argsort(-score[mixed], kind="stable")]]
    rows = []
    for share in _SHARES:
        count = max(1, round(share * len(score)))
        recall = float(ranked[:count].sum() / member.sum())
        rows.append({"share": share, "count": count, "recall": recall, "lift": recall * len(score) / count})
    return rows


def _check(sample: Sample) -> None:
    members = len(np.unique(sample.visitors[sample.happened > 0]))
    others = len(np.unique(sample.visitors[sample.happened == 0]))
    if members < 2 * FOLDS:
        raise CannotLearn(f"the audience has {members} visitors among the rows; a lookalike needs {2 * FOLDS} of them")
    if others < 2 * FOLDS:
        raise CannotLearn(
            f"all but {others} of the visitors are in the audience; a lookalike needs {2 * FOLDS} others to look in"
        )
