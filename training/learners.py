"""Classifiers of an event that several kinds of heads are made of, and the folds on which they are tried."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from training.features import Features, FeatureSpec
from training.heads import FloatArray

Positions = npt.NDArray[np.int64]

FOLDS: Final = 5
_CALIBRATION_FOLDS: Final = 3
# Small trees with much shrinkage, as few rows tell of the event. (assumed)
BOOSTING: Final = {"learning_rate": 0.05, "max_iter": 100, "max_leaf_nodes": 15, "early_stopping": False}
_LEAF: Final = (5, 100)  # rows of the smallest leaf: a hundredth of all, within these


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """Rows to learn an event from.

    Attributes:
        specs: the features, one for each column.
        features: shape (n, len(specs)), float32, without NaN.
        happened: shape (n,), 0 or 1.
        visitors: shape (n,), of str.
    """

    specs: Sequence[FeatureSpec]
    features: Features
    happened: FloatArray
    visitors: npt.NDArray[np.str_]

    def at(self, rows: Positions | npt.NDArray[np.bool_]) -> "Sample":
        """Some of the rows, in their order."""
        return Sample(
            specs=self.specs,
            features=self.features[rows],
            happened=self.happened[rows],
            visitors=self.visitors[rows],
        )


Fit = Callable[[Sample, int], BaseEstimator]


def deal(visitors: npt.NDArray[np.str_], strata: FloatArray, count: int, seed: int) -> Positions:
    """The fold of each row, shape (n,), from 0: a visitor's rows are in one fold, and folds are alike in strata.

    Args:
        visitors: shape (n,).
        strata: shape (n,); a visitor is of the largest of their rows'.
        count: of folds.
        seed: decides who of a stratum is in which fold.
    """
    names, visitor_of = np.unique(visitors, return_inverse=True)
    stratum = np.full(len(names), -np.inf)
    np.maximum.at(stratum, visitor_of, strata)
    order = np.lexsort((np.random.default_rng(seed).random(len(names)), stratum))
    fold_of = np.empty(len(names), dtype=np.int64)
    fold_of[order] = np.arange(len(names)) % count
    return fold_of[visitor_of]


def splits(fold_of: Positions) -> Iterator[tuple[Positions, Positions]]:
    """Positions to fit on and to try on, for each fold in turn."""
    for fold in range(int(fold_of.max()) + 1):
        yield np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)


def encoder(specs: Sequence[FeatureSpec]) -> ColumnTransformer:
    """Features for a linear model, to be fitted: numbers standardised, a column for each word of a category."""
    numbers = [i for i, spec in enumerate(specs) if not spec.vocabulary]
    words = [i for i, spec in enumerate(specs) if spec.vocabulary]
    codes = [np.arange(len(specs[i].vocabulary), dtype=np.float32) for i in words]
    parts = [
        ("numbers", StandardScaler(), numbers),
        ("words", OneHotEncoder(categories=codes, handle_unknown="ignore", sparse_output=False), words),
    ]
    return ColumnTransformer([part for part in parts if part[2]])


def fit_logistic(sample: Sample, _seed: int) -> BaseEstimator:
    """Logistic regression on encoded features: calibrated as it is."""
    model = make_pipeline(encoder(sample.specs), LogisticRegression(max_iter=1000))
    return model.fit(sample.features, sample.happened)


def fit_boosting(sample: Sample, seed: int) -> BaseEstimator:
    """Boosted trees behind a sigmoid that was fitted on folds with other visitors."""
    trees = HistGradientBoostingClassifier(**BOOSTING, min_samples_leaf=leaf(len(sample.happened)), random_state=seed)
    folds = list(splits(deal(sample.visitors, sample.happened, _CALIBRATION_FOLDS, seed)))
    return CalibratedClassifierCV(trees, method="sigmoid", cv=folds, ensemble=False).fit(
        sample.features, sample.happened
    )


def leaf(row_count: int) -> int:
    """Rows of the smallest leaf of trees that are fitted on so many rows."""
    low, high = _LEAF
    return min(high, max(low, row_count // 100))


def probability(model: BaseEstimator, features: Features) -> FloatArray:
    """What a fitted model says of the event, shape (n,)."""
    probabilities: FloatArray = model.predict_proba(features)[:, 1]
    return probabilities


def simplest(figures: Mapping[str, FloatArray]) -> str:
    """The first method whose mean figure is within one standard error of the best one's.

    Args:
        figures: of each method, the simplest first, shape (folds,); larger is better.

    Source: Breiman, Friedman, Olshen and Stone, Classification and regression trees, 1984, section 3.4.3.
    """
    best = max(figures.values(), key=lambda one: float(one.mean()))
    enough = best.mean() - best.std(ddof=1) / np.sqrt(len(best))
    return next(method for method, one in figures.items() if one.mean() >= enough)


def chosen_elsewhere(figures: Mapping[str, FloatArray], fold: int) -> str:
    """The method that the other folds choose, so that the choice does not flatter what is said of this one."""
    return simplest({method: np.delete(one, fold) for method, one in figures.items()})


FITS: Final[Mapping[str, Fit]] = {"logistic": fit_logistic, "boosting": fit_boosting}  # the simplest first
