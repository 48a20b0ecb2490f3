"""What a treatment changes for each visitor, from a campaign in which chance decided who was treated."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final, Self

import numpy as np

from training.export.nodes import Nodes
from training.features import Features
from training.heads import EXPECTED, BoolArray, Column, FloatArray, Question, Tested
from training.learners import FOLDS, Positions, Sample, deal, simplest, splits
from training.outcomes.examples import CannotLearn
from training.uplift.estimators import FITS_OF_UPLIFT, Estimate
from training.uplift.qini import Campaign, intervals, qini, qini_curve
from training.uplift.randomization import REFUSE, Finding, check_balance, check_ratio

UNIT: Final = "probability"
RULE: Final = "the largest mean Qini over the folds; the first within one standard error of it"
SPLIT: Final = "three tenths of the visitors, drawn at random; the estimate was chosen and fitted without them"
_TENTHS: Final = 10
_TESTED_TENTHS: Final = 3
_LEAST_OF_EACH: Final = 4 * FOLDS  # of treated and others, with the event and without
_POINTS: Final = 200


@dataclass(frozen=True, slots=True)
class Uplift:
    """How much likelier an event is when the visitor is treated.

    Attributes:
        question: what is answered; its unit is a probability.
        estimate: of the difference.
        tested: some visitors, by an estimate that was chosen and fitted on others; actual is whether it happened.
        evaluation: how much the ranking gains over chance, and what speaks against chance having decided.
    """

    question: Question
    estimate: Estimate
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
        return [(EXPECTED, 1)]

    def among(self, rows: Positions) -> Self:
        """The same, of a table in which its own rows have these positions."""
        return replace(self, tested=replace(self.tested, rows=rows[self.tested.rows]))

    def scores(self, features: Features) -> FloatArray:
        """Difference of the probabilities, in [-1, 1], shape (n, 1)."""
        return self.estimate.uplift(features)[:, None]

    def emit(self, nodes: Nodes, features: str) -> str:
        """See Head."""
        return self.estimate.emit(nodes, features)


def fit_uplift(  # noqa: PLR0913  # the question, what is known, and what is asked for
    question: Question,
    sample: Sample,
    treated: BoolArray,
    *,
    methods: Sequence[str] = tuple(FITS_OF_UPLIFT),
    learner: str = "boosting",
    treated_share: float | None = None,
    seed: int,
) -> Uplift:
    """The uplift, by the method whose ranking of other visitors gains most.

    Args:
        question: what is answered.
        sample: the visitors of a campaign; happened is what the treatment was to change.
        treated: shape (n,), who was treated.
        methods: to choose from.
        learner: which classifier they are made of.
        treated_share: which share was to be treated, None where nobody says: then the ratio is not checked.
        seed: of folds, trees and resamples.

    Raises:
        CannotLearn: there are too few, or chance did not decide who was treated.
    """
    findings = _check(sample, treated, treated_share)
    train, test = _apart(sample, treated, seed)
    fold_of = deal(sample.visitors[train], 2 * sample.happened[train] + treated[train], FOLDS, seed)
    tried = {
        method: _out_of_fold(method, sample.at(train), treated[train], fold_of, learner, seed) for method in methods
    }
    best = simplest({method: one.figures for method, one in tried.items()})
    predicted = FITS_OF_UPLIFT[best](sample.at(train), treated[train], learner, seed).uplift(sample.features[test])
    campaign = Campaign(treated[test], sample.happened[test], sample.visitors[test])
    evaluation: dict[str, object] = {
        "method": best,
        "learner": learner,
        "rule": RULE,
        "methods": [one.to_dict(method) for method, one in tried.items()],
        "randomization": [asdict(finding) for finding in findings],
        "figures": judge_uplift(campaign, predicted, seed),
        "qini": thinned(qini_curve(campaign, predicted)),
    }
    tested = Tested(test, predicted[:, None], sample.happened[test], SPLIT)
    return Uplift(question, FITS_OF_UPLIFT[best](sample, treated, learner, seed), tested, evaluation)


def judge_uplift(campaign: Campaign, uplift: FloatArray, seed: int) -> dict[str, float]:
    """Every figure of a ranking by uplift, of visitors whom the estimate did not know.

    Returns:
        treated_share, base_rate (of the others), average_effect, mean_predicted, effect_top_decile, and what
        training.uplift.qini.intervals gives.
    """
    top = np.argsort(-uplift, kind="stable")[: max(1, len(uplift) // 10)]
    best = Campaign(campaign.treated[top], campaign.happened[top], campaign.visitors[top])
    figures = {
        "treated_share": float(campaign.treated.mean()),
        "base_rate": float(campaign.happened[~campaign.treated].mean()),
        "average_effect": campaign.effect(),
        "mean_predicted": float(uplift.mean()),
    }
    if 0 < best.treated.sum() < len(top):
        figures["effect_top_decile"] = best.effect()
    return figures | intervals(campaign, uplift, seed)


def thinned(curve: FloatArray) -> list[list[float]]:
    """Share, gain and gain of treating at random, at some 200 points of a curve."""
    kept = np.unique(np.linspace(0, len(curve) - 1, _POINTS).astype(np.int64))
    return [[share, gain, share * float(curve[-1, 1])] for share, gain in curve[kept].tolist()]


@dataclass(frozen=True, slots=True, eq=False)
class _Tried:
    """One method: the Qini of each fold, by estimates of the other folds, and the seconds."""

    figures: FloatArray
    seconds: float

    def to_dict(self, method: str) -> dict[str, object]:
        return {
            "method": method,
            "figure": "qini",
            "mean": float(self.figures.mean()),
            "sd": float(self.figures.std(ddof=1)),
            "seconds": self.seconds,
        }


def _apart(sample: Sample, treated: BoolArray, seed: int) -> tuple[Positions, Positions]:
    """Positions to choose and fit on, and of other visitors to test on.

    Rows out of the same folds that the method was chosen by would not do: of campaigns without any effect, up to 17 %
    seemed to have one at 95 % confidence, since all folds' estimates know most of one another's rows. (measured)
    """
    tenth = deal(sample.visitors, 2 * sample.happened + treated, _TENTHS, seed)
    return np.flatnonzero(tenth >= _TESTED_TENTHS), np.flatnonzero(tenth < _TESTED_TENTHS)


def _out_of_fold(  # noqa: PLR0913, PLR0917  # what a fit takes, and the folds
    method: str, sample: Sample, treated: BoolArray, fold_of: Positions, learner: str, seed: int
) -> _Tried:
    began = time.perf_counter()
    figures = []
    for train, test in splits(fold_of):
        estimate = FITS_OF_UPLIFT[method](sample.at(train), treated[train], learner, seed)
        campaign = Campaign(treated[test], sample.happened[test], sample.visitors[test])
        figures.append(qini(qini_curve(campaign, estimate.uplift(sample.features[test]))))
    return _Tried(np.array(figures), time.perf_counter() - began)


def _check(sample: Sample, treated: BoolArray, treated_share: float | None) -> list[Finding]:
    """What speaks against chance, when it does not forbid to go on."""
    for side, name in ((treated, "treated"), (~treated, "untreated")):
        happened = int(sample.happened[side].sum())
        if min(happened, int(side.sum()) - happened) < _LEAST_OF_EACH:
            raise CannotLearn(
                f"of {int(side.sum())} {name} visitors it happened to {happened}; an uplift needs {_LEAST_OF_EACH} to "
                f"whom it happened, and {_LEAST_OF_EACH} to whom it did not, treated and untreated"
            )
    findings = check_balance(treated, sample.features, sample.specs)
    ratio = None if treated_share is None else check_ratio(treated, treated_share)
    findings = [*([ratio] if ratio else []), *findings]
    refused = [finding.text for finding in findings if finding.severity == REFUSE]
    if refused:
        raise CannotLearn(f"chance did not decide who was treated: {'; '.join(refused[:3])}")
    return findings
