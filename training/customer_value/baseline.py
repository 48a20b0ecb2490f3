"""What each customer is expected to spend, from the dates and amounts of their purchases alone."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.customer_value.bgnbd import BetaGeometric, fit_beta_geometric
from training.customer_value.gamma_gamma import GammaGamma, fit_gamma_gamma
from training.customer_value.purchases import DAYS_PER_UNIT, NoBaseline, Purchases, Summary, summarize
from training.heads import FloatArray

WHAT = "BG/NBD and Gamma-Gamma on the dates and amounts of earlier purchases"
CORRELATED = 0.3  # Gamma-Gamma takes it that how often and how much people buy have nothing to do with each other


@dataclass(frozen=True, slots=True)
class CustomerValue:
    """Both models, fitted to what happened before one moment.

    Attributes:
        buying: how often customers buy, and whether they still do.
        spending: how much at a time.
        correlation: between number and mean amount of the repeat customers' purchases, 0 where either does not vary.
    """

    buying: BetaGeometric
    spending: GammaGamma
    correlation: float

    def expected(self, summary: Summary, horizon_days: float) -> FloatArray:
        """Amount that each customer is expected to spend within the horizon, shape (n,)."""
        return self.buying.purchases(summary, horizon_days / DAYS_PER_UNIT) * self.spending.spend(summary)

    def facts(self) -> dict[str, object]:
        """The parameters, and a warning where the models' assumption does not hold, for the evaluation."""
        buying, spending = self.buying, self.spending
        facts: dict[str, object] = {
            "what": WHAT,
            "buying": {"r": buying.r, "alpha": buying.alpha, "a": buying.a, "b": buying.b, "unit_days": DAYS_PER_UNIT},
            "spending": {"p": spending.p, "q": spending.q, "v": spending.v},
            "correlation": self.correlation,
        }
        if abs(self.correlation) > CORRELATED:
            facts["warning"] = (
                f"how often and how much people buy are correlated ({self.correlation:.2f}); Gamma-Gamma holds them "
                "to be independent, so the baseline is biased"
            )
        return facts


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """The expectation for each customer of a log, at the moment up to which the models were fitted.

    Attributes:
        visitors: shape (n,), in the order of their names; everybody else has never bought, and is not expected to.
        amounts: shape (n,), expected amount within the horizon.
        purchases: shape (n,), expected days with a purchase within the horizon.
        alive: shape (n,), probability to buy again some day.
        model: what says so.
    """

    visitors: npt.NDArray[np.str_]
    amounts: FloatArray
    purchases: FloatArray
    alive: FloatArray
    model: CustomerValue

    def of(self, visitors: npt.NDArray[np.str_]) -> FloatArray:
        """Expected amount for each of these visitors, shape (n,), 0 for those who never bought."""
        return _look_up(self.visitors, self.amounts, visitors)


def fit_customer_value(log: Purchases, until_ms: int) -> CustomerValue:
    """Both models, fitted to what happened strictly before a moment.

    Raises:
        NoBaseline: the purchases are too few, or of a kind that the models do not describe.
    """
    summary = summarize(log, until_ms)
    if not len(summary):
        raise NoBaseline("nobody bought before the moment up to which the baseline is fitted")
    return CustomerValue(fit_beta_geometric(summary), fit_gamma_gamma(summary), _correlation(summary))


def fit_baseline(log: Purchases, until_ms: int, horizon_days: float) -> Baseline:
    """The expectation for each customer from one moment on, by models fitted to what happened strictly before it.

    Raises:
        NoBaseline: as fit_customer_value.
    """
    model = fit_customer_value(log, until_ms)
    summary = summarize(log, until_ms)
    return Baseline(
        visitors=summary.visitors,
        amounts=model.expected(summary, horizon_days),
        purchases=model.buying.purchases(summary, horizon_days / DAYS_PER_UNIT),
        alive=model.buying.alive(summary),
        model=model,
    )


def expected_for(
    model: CustomerValue,
    log: Purchases,
    visitors: npt.NDArray[np.str_],
    as_of_ms: npt.NDArray[np.int64],
    horizon_days: float,
) -> FloatArray:
    """Expected amount for rows of a table, each by what its visitor did strictly before the row's own moment.

    Args:
        model: fitted to what happened before the first row that is judged.
        log: of purchases.
        visitors: shape (n,).
        as_of_ms: shape (n,).
        horizon_days: how long is looked ahead.

    Returns:
        Shape (n,), 0 for those who had never bought.
    """
    expected = np.zeros(len(visitors))
    for moment in np.unique(as_of_ms).tolist():
        rows = as_of_ms == moment
        summary = summarize(log, moment)
        expected[rows] = _look_up(summary.visitors, model.expected(summary, horizon_days), visitors[rows])
    return expected


def _look_up(known: npt.NDArray[np.str_], amounts: FloatArray, visitors: npt.NDArray[np.str_]) -> FloatArray:
    if not len(known):
        return np.zeros(len(visitors))
    place = np.minimum(np.searchsorted(known, visitors), len(known) - 1)
    return np.where(known[place] == visitors, amounts[place], 0.0)


def _correlation(summary: Summary) -> float:
    repeat = summary.frequency > 0
    frequency, spend = summary.frequency[repeat], summary.mean_spend[repeat]
    if not frequency.std() or not spend.std():
        return 0.0
    return float(np.corrcoef(frequency, spend)[0, 1])
