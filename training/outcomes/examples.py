"""Rows to learn an outcome from, and how they are kept apart: by visitor, and in time where they have one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from training.errors import NotTrained
from training.features import Features, FeatureSpec
from training.heads import FloatArray

Positions = npt.NDArray[np.int64]

_TEST_MOMENTS = 4
_LATER_SHARE: Final = 10  # one in so many moments is tested, where there are many
_DAY_MS: Final = 86_400_000
_STRATA: Final = 10  # of amounts


class CannotLearn(NotTrained):
    """The records do not answer the question. The text says why, and what would."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Examples:
    """Rows whose outcome is known.

    Attributes:
        specs: the features, one for each column.
        features: shape (n, len(specs)), float32, without NaN.
        actual: shape (n,), what came: 0 and 1, an amount, or a position among the classes.
        visitors: shape (n,), of str.
        as_of_ms: shape (n,), None where rows have no time.
        weights: shape (n,), how much each row counts in a fit.
    """

    specs: Sequence[FeatureSpec]
    features: Features
    actual: FloatArray
    visitors: npt.NDArray[np.str_]
    as_of_ms: npt.NDArray[np.int64] | None
    weights: FloatArray

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.actual)

    @property
    def sample_weight(self) -> FloatArray | None:
        """The weights for a fit; None where all are 1, since boosted trees take seven times as long with any."""
        return None if (self.weights == 1).all() else self.weights

    def at(self, rows: Positions | npt.NDArray[np.bool_]) -> Self:
        """Some of the rows, in their order."""
        return replace(
            self,
            features=self.features[rows],
            actual=self.actual[rows],
            visitors=self.visitors[rows],
            as_of_ms=None if self.as_of_ms is None else self.as_of_ms[rows],
            weights=self.weights[rows],
        )

    def without(self, names: Sequence[str]) -> Self:
        """The same rows with fewer features."""
        kept = [i for i, spec in enumerate(self.specs) if spec.name not in names]
        return replace(self, specs=[self.specs[i] for i in kept], features=self.features[:, kept])


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """Positions of rows to fit on, and of rows of other visitors to try the fit on."""

    train: Positions
    test: Positions


@dataclass(frozen=True, slots=True)
class Folds:
    """A number of folds, and how they were made, a phrase for people."""

    folds: Sequence[Fold]
    text: str


def later(as_of_ms: npt.NDArray[np.int64] | None, horizon_days: int) -> tuple[Positions, Positions] | None:
    """Rows to fit on, and later rows to test on, with a gap of one horizon between; None where there is no time.

    Tested are the last four moments that rows are of, or the last tenth of them where that is
    more, as when every row has a time of its own; half of them where there are fewer than eight. Fitted is on the rows
    whose horizon had passed by then: else their outcomes would tell of the days that are tested.

    Raises:
        CannotLearn: nothing is left to fit on.
    """
    if as_of_ms is None:
        return None
    moments = np.unique(as_of_ms)
    count = max(min(_TEST_MOMENTS, len(moments) // 2), len(moments) // _LATER_SHARE)
    if not count:
        return None
    first = moments[-count]
    past = np.flatnonzero(as_of_ms + horizon_days * _DAY_MS <= first)
    if not len(past):
        days = (moments[-1] - moments[0]) / _DAY_MS
        raise CannotLearn(
            f"a horizon of {horizon_days} days leaves no rows to fit on before those to test on: the rows are of "
            f"{days:.0f} days; needed are at least {horizon_days} days before the last {count} moments"
        )
    return past, np.flatnonzero(as_of_ms >= first)


def make_folds(examples: Examples, count: int, seed: int, *, is_amount: bool) -> Folds:
    """Folds in which no visitor is on both sides; those with the outcome, or with much of it, are dealt evenly.

    Each fold has rows of every date: a calibration that is fitted on the last dates alone learns their season.
    (measured: coupons foretold 0.39 times as often as redeemed, instead of 0.75)

    Raises:
        CannotLearn: a fold has not every outcome that there is.
    """
    fold_of, every = _deal(examples, count, seed, is_amount=is_amount), np.arange(len(examples))
    folds = [Fold(every[fold_of != k], every[fold_of == k]) for k in range(count)]
    if not all(_is_whole(examples, fold, is_amount=is_amount) for fold in folds):
        raise CannotLearn(
            f"with {count} folds that keep each visitor's rows together, a fold has not every outcome that there is: "
            "too few visitors have the rarest one; needed are more of them, or fewer folds"
        )
    return Folds(folds, f"{count} folds by visitor")


def _deal(examples: Examples, count: int, seed: int, *, is_amount: bool) -> Positions:
    """The fold of each row: visitors are put in order of what came of them, at random within that, and dealt."""
    names, visitor_of = np.unique(examples.visitors, return_inverse=True)
    strata = np.zeros(len(names))
    if is_amount:
        totals = np.bincount(visitor_of, examples.actual)
        strata += np.searchsorted(np.quantile(totals, np.linspace(0, 1, _STRATA + 1)[1:-1]), totals)
    else:
        np.maximum.at(strata, visitor_of, examples.actual)
    order = np.lexsort((np.random.default_rng(seed).random(len(names)), strata))
    fold_of = np.empty(len(names), dtype=np.int64)
    fold_of[order] = np.arange(len(names)) % count
    return fold_of[visitor_of]


def _is_whole(examples: Examples, fold: Fold, *, is_amount: bool) -> bool:
    """Whether both sides have rows, and every event or class that there is."""
    if is_amount:
        return bool(examples.actual[fold.train].any() and examples.actual[fold.test].any())
    known = np.unique(examples.actual)
    return all(np.array_equal(np.unique(examples.actual[rows]), known) for rows in (fold.train, fold.test))
