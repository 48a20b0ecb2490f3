"""Gamma-Gamma: each customer spends about an average of their own, whatever the number of their purchases.

An amount is gamma distributed (shape p, rate nu), and nu is among customers (shape q, rate v).

Source: P. Fader, B. Hardie, The Gamma-Gamma model of monetary value, 2013.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from training.customer_value.likelihood import most_likely
from training.customer_value.purchases import NoBaseline, Summary
from training.heads import FloatArray

LEAST_CUSTOMERS = 10  # of three parameters, from fewer than this nothing is learned (assumed)


@dataclass(frozen=True, slots=True)
class GammaGamma:
    """A fitted Gamma-Gamma model, of amounts in the unit that it was fitted on."""

    p: float
    q: float
    v: float

    def log_likelihood(self, frequency: FloatArray, mean_spend: FloatArray) -> FloatArray:
        """Of each customer with a repeat purchase and a mean above 0, shapes (n,). Source: equation 1a."""
        p, q, v = self.p, self.q, self.v
        px = p * frequency
        likelihood: FloatArray = (
            gammaln(px + q)
            - gammaln(px)
            - gammaln(q)
            + q * np.log(v)
            + (px - 1) * np.log(mean_spend)
            + px * np.log(frequency)
            - (px + q) * np.log(v + frequency * mean_spend)
        )
        return likelihood

    def spend(self, summary: Summary) -> FloatArray:
        """Expected amount of each customer's next purchase, shape (n,).

        Between their own mean and the population's p v / (q - 1), the nearer to their own the more they bought.

        Source: equation 5.
        """
        x = summary.frequency
        expected: FloatArray = self.p * (self.v + x * summary.mean_spend) / (self.p * x + self.q - 1)
        return expected


def fit_gamma_gamma(summary: Summary) -> GammaGamma:
    """The model under which the repeat customers' mean amounts are most likely.

    Raises:
        NoBaseline: there are hardly any, the likelihood has no maximum, or the population has no mean.
    """
    known = (summary.frequency > 0) & (summary.mean_spend > 0)
    if known.sum() < LEAST_CUSTOMERS:
        raise NoBaseline(
            f"{int(known.sum())} of {len(summary)} customers spent on a second day; Gamma-Gamma needs {LEAST_CUSTOMERS}"
        )
    frequency = summary.frequency[known]
    unit = float(np.median(summary.mean_spend[known]))  # so that cents and millions are the same task
    mean_spend = summary.mean_spend[known] / unit

    def likelihood(parameters: FloatArray) -> float:
        return float(GammaGamma(*parameters.tolist()).log_likelihood(frequency, mean_spend).mean())

    p, q, v = most_likely(likelihood, np.array([2.0, 3.0, 1.0]), ("p", "q", "v"), "Gamma-Gamma").tolist()
    if q <= 1:
        raise NoBaseline(
            f"Gamma-Gamma finds amounts without a mean (q = {q:.3g}, needed is more than 1): some are far out of all "
            "proportion; limit the largest, or leave them out"
        )
    return GammaGamma(p, q, v * unit)
