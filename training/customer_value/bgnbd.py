"""BG/NBD: customers buy at rates of their own, and after each repeat purchase may be gone for good.

Rates are gamma distributed (shape r, rate alpha per unit of time), and the chance to be gone after a repeat purchase is
beta distributed (a, b).

Source: P. Fader, B. Hardie, K. L. Lee, "Counting your customers" the easy way: an alternative to the Pareto/NBD model,
Marketing Science 24(2), 2005.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import betaln, expit, gammaln, hyp2f1

from training.customer_value.likelihood import most_likely
from training.customer_value.purchases import NoBaseline, Summary
from training.heads import FloatArray

_NEAR_POLE = 1e-6  # the formula of expected purchases divides by a - 1, its series by a + b + x - 1
_LARGE = 30.0
_TERMS = 200
LEAST_REPEATERS = 10  # of four parameters, from fewer than this nothing is learned (assumed)


@dataclass(frozen=True, slots=True)
class BetaGeometric:
    """A fitted BG/NBD model; times are in the unit of the summaries that it was fitted on."""

    r: float
    alpha: float
    a: float
    b: float

    def log_likelihood(self, summary: Summary) -> FloatArray:
        """Of each customer, shape (n,). Source: equation 6, with the sum taken over logarithms."""
        x, r, alpha, a, b = summary.frequency, self.r, self.alpha, self.a, self.b
        common = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + betaln(a, b + x) - betaln(a, b)
        alive = -(r + x) * np.log(alpha + summary.age)
        gone = np.where(x > 0, alive + self._log_odds_gone(summary), -np.inf)
        likelihood: FloatArray = common + np.logaddexp(alive, gone)
        return likelihood

    def alive(self, summary: Summary) -> FloatArray:
        """Probability that each customer will buy again some day, shape (n,); 1 before the first repeat purchase.

        Source: Fader, Hardie and Lee, Computing P(alive) using the BG/NBD model, 2008.
        """
        probability: FloatArray = np.where(summary.frequency > 0, expit(-self._log_odds_gone(summary)), 1.0)
        return probability

    def purchases(self, summary: Summary, horizon: float) -> FloatArray:
        """Expected number of days with a purchase within the horizon after the summary's moment, shape (n,).

        Source: equation 10. By Euler's transformation, (1-z)^(r+x) 2F1(r+x, b+x; a+b+x-1; z) is
        (1-z)^(a-1) 2F1(a+b-1-r, a-1; a+b+x-1; z), which does not overflow for customers with many purchases.
        """
        x, r, b = summary.frequency, self.r, self.b
        a = 1 + _NEAR_POLE if abs(self.a - 1) < _NEAR_POLE else self.a
        z = horizon / (self.alpha + summary.age + horizon)
        c = a + b + x - 1
        c = np.where(np.abs(c) < _NEAR_POLE, _NEAR_POLE, c)
        left = 1 - (1 - z) ** (a - 1) * _hypergeometric(a + b - 1 - r, a - 1, c, z)
        expected: FloatArray = np.maximum(c / (a - 1) * left, 0) * self.alive(summary)
        return expected

    def _log_odds_gone(self, summary: Summary) -> FloatArray:
        """Logarithm of P(gone) / P(alive), shape (n,), of those with a repeat purchase."""
        x = np.maximum(summary.frequency, 1)
        since = np.log(self.alpha + summary.age) - np.log(self.alpha + summary.recency)
        odds: FloatArray = np.log(self.a) - np.log(self.b + x - 1) + (self.r + x) * since
        return odds


def _hypergeometric(first: float, second: float, third: FloatArray, z: FloatArray) -> FloatArray:
    """2F1(first, second; third; z), shape (n,), for z in [0, 1).

    scipy 1.17 gives infinity near z = 1 where the third is large, which is where the plain series needs few terms.
    """
    value: FloatArray = hyp2f1(first, second, np.minimum(third, _LARGE), z)
    large = third > _LARGE
    term = np.ones(int(large.sum()))
    total = term.copy()
    for n in range(_TERMS):
        term = term * (first + n) * (second + n) / ((third[large] + n) * (n + 1)) * z[large]
        total += term
    value[large] = total
    return value


def fit_beta_geometric(summary: Summary) -> BetaGeometric:
    """The model under which these customers' purchases are most likely.

    Raises:
        NoBaseline: hardly anybody bought twice, or the likelihood has no maximum.
    """
    repeaters = int((summary.frequency > 0).sum())
    if repeaters < LEAST_REPEATERS:
        raise NoBaseline(f"{repeaters} of {len(summary)} customers bought on two days; BG/NBD needs {LEAST_REPEATERS}")
    scale = max(float(summary.age.mean()), 1e-3)

    def likelihood(parameters: FloatArray) -> float:
        return float(BetaGeometric(*parameters.tolist()).log_likelihood(summary).mean())

    start = np.array([1.0, scale, 1.0, 1.0])
    return BetaGeometric(*most_likely(likelihood, start, ("r", "alpha", "a", "b"), "BG/NBD").tolist())
