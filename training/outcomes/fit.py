"""An outcome learnt from a table: method chosen, judged on rows not fitted on, then fitted on all that is known."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from training.heads import FloatArray, Tested
from training.outcomes.calibration import Calibration
from training.outcomes.choice import RULE, Crossed, choose, cross, fit_weighted
from training.outcomes.examples import CannotLearn, Examples, Folds, Positions, later, make_folds
from training.outcomes.kinds import Kind, calibration_of, kind_of
from training.outcomes.models import Model
from training.outcomes.order import BG_NBD, OutcomeOrder
from training.outcomes.predictor import Predictor, Reduced
from training.table import Table

_SIMPLE = "logistic"


def fit_outcome(order: OutcomeOrder, table: Table, seed: int, weights: FloatArray | None = None) -> Predictor:
    """The head that answers an order, whatever its kind and methods.

    Where rows have times, the method is chosen and judged as it will be used: fitted on the past, tested on later
    rows. Where they have none, every visitor is judged by models fitted on the others. What is served was fitted, in
    the same way, on all rows whose outcome is known.

    Args:
        order: what to learn, and how.
        table: the rows; those whose outcome is not known are left out.
        seed: of every random number.
        weights: shape (len(table),), how much each row counts in the fits, such as those that reduce a bias.

    Raises:
        CannotLearn: the rows do not answer. The text says why, and what would.
    """
    try:
        return _Task.of(order, table, seed, weights).predictor()
    except CannotLearn as error:
        raise CannotLearn(f"outcome {order.name!r}: {error}") from None


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """One outcome, while it is learnt.

    Attributes:
        order: what to learn, and how.
        kind: of it.
        examples: rows with a known outcome.
        positions: shape (n,), where they stand in the table.
        times: rows to fit on and later rows to test on, None where rows have no times.
        seed: of every random number.
    """

    order: OutcomeOrder
    kind: Kind
    examples: Examples
    positions: Positions
    times: tuple[Positions, Positions] | None
    seed: int

    @classmethod
    def of(cls, order: OutcomeOrder, table: Table, seed: int, weights: FloatArray | None) -> "_Task":
        """See fit_outcome."""
        positions = np.flatnonzero(~np.isnan(table.outcomes[order.name]))
        if not len(positions):
            raise CannotLearn(f"of none of {len(table)} rows it is known what came of it")
        _check_features(order, table)
        examples = Examples(
            specs=table.specs,
            features=np.ascontiguousarray(table.features[positions]),
            actual=table.outcomes[order.name][positions],
            visitors=table.visitors[positions],
            as_of_ms=None if table.as_of_ms is None else table.as_of_ms[positions],
            weights=np.ones(len(positions)) if weights is None else weights[positions].astype(np.float64),
        )
        kind = kind_of(order)
        kind.check(examples, order.folds, order.methods)
        times = later(examples.as_of_ms, order.horizon_days)
        return cls(order, kind, examples, positions, times, seed)

    def predictor(self) -> Predictor:
        """See fit_outcome."""
        past = self.examples if self.times is None else self.examples.at(self.times[0])
        folds = self._folds(past)
        tried = [self._cross(method, past, folds) for method in self.order.methods]
        chosen = choose(tried)
        tested = self._tested(chosen, past, folds)
        reduced = self._reduced(chosen.method, past, folds)
        model, calibration = self._served(chosen, folds)
        return Predictor(
            question=self.order.question,
            columns=self.kind.columns,
            classes=self.order.classes,
            method=chosen.method,
            model=model,
            calibration=calibration,
            tested=tested,
            reduced=reduced,
            evaluation={
                "method": chosen.method,
                "rule": self._rule(folds),
                "methods": [crossed.to_row(self.kind.figure) for crossed in tried],
                "tested": self._facts(tested),
                "figures": self.kind.judge(tested.actual, tested.predicted),
                "baseline": self._baseline(tried, chosen, past, folds, tested),
                "without": [
                    {"features": list(r.features), "figures": self.kind.judge(r.tested.actual, r.tested.predicted)}
                    for r in reduced
                ],
            },
        )

    def _folds(self, examples: Examples) -> Folds:
        order = self.order
        return make_folds(examples, order.folds, self.seed, is_amount=self.kind.is_amount)

    def _cross(self, method: str, examples: Examples, folds: Folds) -> Crossed:
        return cross(method, examples, folds, self.kind, self.order, self.seed)

    def _fit(self, crossed: Crossed, examples: Examples) -> tuple[Model, Calibration]:
        """Fitted on all of these rows, and calibrated on what the folds' models said."""
        model = fit_weighted(self.kind.methods[crossed.method], examples, self.order, self.seed)
        return model, calibration_of(self.kind, self.order, crossed.raw, examples.actual[crossed.rows])

    def _tested(self, crossed: Crossed, past: Examples, folds: Folds) -> Tested:
        """What was said of rows that were not fitted on: the later ones, or those of each fold."""
        if self.times is None:
            actual = past.actual[crossed.rows]
            also = ", on which the method was chosen too" if len(self.order.methods) > 1 else ""
            return Tested(self.positions[crossed.rows], crossed.predicted, actual, f"{folds.text}{also}")
        model, calibration = self._fit(crossed, past)
        rows = self.times[1]
        predicted = calibration.apply(model.raw(self._like(past).features[rows]))
        return Tested(self.positions[rows], predicted, self.examples.actual[rows], self._split())

    def _like(self, past: Examples) -> Examples:
        """All rows with the features of these."""
        kept = {spec.name for spec in past.specs}
        return self.examples.without([spec.name for spec in self.examples.specs if spec.name not in kept])

    def _split(self) -> str:
        as_of_ms = self.examples.as_of_ms
        if self.times is None or as_of_ms is None:
            return ""
        past, tested = (as_of_ms[rows] for rows in self.times)
        return (
            f"fitted on rows of {_day(past.min())} to {_day(past.max())}, tested on rows of {_day(tested.min())} to "
            f"{_day(tested.max())}, with a gap of {self.order.horizon_days} days between"
        )

    def _reduced(self, method: str, past: Examples, folds: Folds) -> Sequence[Reduced]:
        names = self.order.without
        if not names:
            return ()
        fewer = past.without(names)
        return (Reduced(names, self._tested(self._cross(method, fewer, folds), fewer, folds)),)

    def _served(self, chosen: Crossed, folds: Folds) -> tuple[Model, Calibration]:
        """Fitted on all rows; where that was fitted on the past alone so far, calibrated anew."""
        if self.times is None:
            return self._fit(chosen, self.examples)
        folds = self._folds(self.examples)
        return self._fit(self._cross(chosen.method, self.examples, folds), self.examples)

    def _rule(self, folds: Folds) -> str:
        if len(self.order.methods) == 1:
            return f"the only method that was asked for; {folds.text}"
        methods = ", ".join(self.order.methods)
        return f"{RULE.format(figure=self.kind.figure.replace('_', ' '), methods=methods)}; {folds.text}"

    def _facts(self, tested: Tested) -> dict[str, object]:
        rows = np.searchsorted(self.positions, tested.rows)
        as_of_ms = self.examples.as_of_ms
        return {
            "row_count": len(rows),
            "visitor_count": len(np.unique(self.examples.visitors[rows])),
            "split": tested.split,
            "from_ms": None if as_of_ms is None else int(as_of_ms[rows].min()),
            "to_ms": None if as_of_ms is None else int(as_of_ms[rows].max()),
        }

    def _baseline(
        self, tried: Sequence[Crossed], chosen: Crossed, past: Examples, folds: Folds, tested: Tested
    ) -> dict[str, object]:
        what, predicted = self._simple(tried, chosen, past, folds, tested)
        return {"what": what, "figures": self.kind.judge(tested.actual, predicted)}

    def _simple(
        self, tried: Sequence[Crossed], chosen: Crossed, past: Examples, folds: Folds, tested: Tested
    ) -> tuple[str, FloatArray]:
        """What is compared with: a simpler way to answer, fitted and tested on the same rows."""
        if self.order.baseline not in {None, BG_NBD}:
            names = [spec.name for spec in past.specs]
            feature = names.index(self.order.baseline)
            factor = past.actual.sum() / max(float(past.features[:, feature].sum()), 1e-9)
            rows = np.searchsorted(self.positions, tested.rows)
            expected = factor * np.maximum(self.examples.features[rows, feature].astype(np.float64), 0)
            return f"{self.order.baseline}, times what makes the total right", expected[:, None]
        if not self.kind.is_amount and chosen.method != _SIMPLE:
            known = [crossed for crossed in tried if crossed.method == _SIMPLE]
            simple = known[0] if known else self._cross(_SIMPLE, past, folds)
            return "logistic regression on the same rows", self._tested(simple, past, folds).predicted
        usual = self.kind.usual(past.actual)
        what = "the mean of all visitors" if self.kind.is_amount else "the same for all visitors: how often it happens"
        return what, np.tile(usual, (len(tested.rows), 1))


def _check_features(order: OutcomeOrder, table: Table) -> None:
    known = [spec.name for spec in table.specs]
    for name in (*order.without, *([order.baseline] if order.baseline not in {None, BG_NBD} else [])):
        if name not in known:
            raise CannotLearn(f"{name!r} is no feature; there are {', '.join(known)}")
    if not set(known) - set(order.without):
        raise CannotLearn("without leaves no feature to learn from")


def _day(as_of_ms: npt.NDArray[np.int64]) -> str:
    return f"{datetime.fromtimestamp(int(as_of_ms) / 1000, UTC):%Y-%m-%d}"
