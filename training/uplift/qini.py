"""How much a ranking by uplift gains over treating visitors at random.

Of the visitors with the highest scores, the gain is how many more outcomes the treated had than the untreated would
have had in their number: Y1 - Y0 N1 / N0. It is counted per treated visitor of the whole campaign, so that its value at
the end is the average effect.

Source: N. Radcliffe, Using control groups to target on predicted lift, 2007.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from training.heads import BoolArray, FloatArray

_RESAMPLES: Final = 200
_INTERVAL: Final = (2.5, 97.5)  # per cent


@dataclass(frozen=True, slots=True, eq=False)
class Campaign:
    """Who was treated, and what came of it.

    Attributes:
        treated: shape (n,).
        happened: shape (n,), 0 or 1.
        visitors: shape (n,), of str.
    """

    treated: BoolArray
    happened: FloatArray
    visitors: npt.NDArray[np.str_]

    def effect(self) -> float:
        """Difference of the shares in which it happened: the average effect of the treatment."""
        return float(self.happened[self.treated].mean() - self.happened[~self.treated].mean())


def qini_curve(campaign: Campaign, uplift: FloatArray) -> FloatArray:
    """The gain of treating the visitors with the highest uplift alone, at each distinct uplift.

    Args:
        campaign: shapes (n,).
        uplift: shape (n,), as predicted.

    Returns:
        Shape (k + 1, 2): share of visitors, from 0 to 1, and gain. Between two rows chance decides: a straight line.
    """
    order, ends = _ranking(uplift)
    return _curve(campaign, order, ends, np.ones(len(uplift)))


def qini(curve: FloatArray) -> float:
    """Area between the curve and the straight line of treating at random; 0 for a ranking that says nothing."""
    return auuc(curve) - float(curve[-1, 1]) / 2


def auuc(curve: FloatArray) -> float:
    """Area under the uplift curve: the mean gain over all shares of visitors."""
    return float(np.trapezoid(curve[:, 1], curve[:, 0]))


def intervals(campaign: Campaign, uplift: FloatArray, seed: int) -> dict[str, float]:
    """Qini and AUUC, and between what they lie in 95 % of samples of as many visitors, drawn with replacement."""
    order, ends = _ranking(uplift)
    names, visitor_of = np.unique(campaign.visitors, return_inverse=True)
    generator = np.random.default_rng(seed)
    drawn = []
    for _ in range(_RESAMPLES):
        times = np.bincount(generator.integers(0, len(names), len(names)), minlength=len(names))
        curve = _curve(campaign, order, ends, times[visitor_of].astype(np.float64))
        drawn.append((qini(curve), auuc(curve)))
    low, high = np.nanpercentile(drawn, _INTERVAL, axis=0).tolist()
    curve = _curve(campaign, order, ends, np.ones(len(uplift)))
    return {
        "qini": qini(curve),
        "qini_low": low[0],
        "qini_high": high[0],
        "auuc": auuc(curve),
        "auuc_low": low[1],
        "auuc_high": high[1],
        "auuc_random": float(curve[-1, 1] / 2),
    }


def _ranking(uplift: FloatArray) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Positions from the highest uplift to the lowest, and where in them each distinct uplift ends."""
    order = np.argsort(-uplift, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(uplift[order]) != 0, [True]))
    return order, ends


def _curve(
    campaign: Campaign, order: npt.NDArray[np.int64], ends: npt.NDArray[np.int64], weights: FloatArray
) -> FloatArray:
    weight = weights[order]
    treated = campaign.treated[order] * weight
    control = weight - treated
    happened = campaign.happened[order]
    n, n1, n0, y1, y0 = (
        np.cumsum(counted)[ends] for counted in (weight, treated, control, treated * happened, control * happened)
    )
    expected = y0 * n1 / np.maximum(n0, 1)  # before the first untreated visitor there is nothing to expect
    gain = (y1 - expected) / max(n1[-1], 1)
    return np.concatenate([np.zeros((1, 2)), np.column_stack([n / n[-1], gain])])
