"""The parameters that make records most likely, all of them above 0."""

from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize

from training.customer_value.purchases import NoBaseline
from training.heads import FloatArray

_SMALLEST, _LARGEST = 1e-4, 1e5  # a parameter at an end of this has run away: the records do not decide it
_NEAR = 1.01


def most_likely(
    log_likelihood: Callable[[FloatArray], float], start: FloatArray, names: tuple[str, ...], what: str
) -> FloatArray:
    """The parameters with the largest likelihood, found on their logarithms, so that none can leave (0, ∞).

    Args:
        log_likelihood: mean over the records, of parameters of shape (len(names),).
        start: where to begin, shape (len(names),).
        names: of the parameters, for errors.
        what: name of the model, for errors.

    Raises:
        NoBaseline: there is no such maximum; the records are too few, or too much alike.
    """
    low, high = np.log(_SMALLEST), np.log(_LARGEST)
    found = minimize(
        lambda logs: -log_likelihood(np.exp(logs)),
        np.log(start),
        method="L-BFGS-B",
        bounds=[(low, high)] * len(names),
        options={"maxiter": 2000, "ftol": 1e-14, "gtol": 1e-8},
    )
    parameters: FloatArray = np.exp(found.x)
    stuck = [
        f"{name} = {value:.3g}"
        for name, value in zip(names, parameters.tolist(), strict=True)
        if not _SMALLEST * _NEAR < value < _LARGEST / _NEAR
    ]
    if stuck or not np.isfinite(found.fun):
        raise NoBaseline(
            f"{what} does not fit these purchases: {', '.join(stuck) or 'no likelihood'} has run away; it needs more "
            "customers who differ in how often they buy and how much they spend"
        )
    return parameters
