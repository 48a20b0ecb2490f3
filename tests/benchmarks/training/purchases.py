"""Whether BG/NBD finds in CDNOW's purchases what was published."""

import dataclasses
from collections.abc import Iterator
from typing import Any, Final

from tests.benchmarks.figures import Figure
from tests.benchmarks.spread import spread
from tests.benchmarks.training.refusals import left_out
from tests.training.customer_value.cdnow import (
    AFTER_39_WEEKS_MS,
    BETA_GEOMETRIC,
    FILE,
    GAMMA_GAMMA,
    MISSING,
    read_cdnow,
)
from training.customer_value.bgnbd import fit_beta_geometric
from training.customer_value.gamma_gamma import fit_gamma_gamma
from training.customer_value.purchases import summarize

NAMES: Final = ("bgnbd_largest_error", "gamma_gamma_largest_error")


def measure() -> Iterator[Figure]:
    """The largest relative distance of a parameter from the published one, of both models."""
    if not FILE.exists():
        return left_out(NAMES, MISSING)
    summary = summarize(read_cdnow(), AFTER_39_WEEKS_MS)
    pairs = ((fit_beta_geometric(summary), BETA_GEOMETRIC), (fit_gamma_gamma(summary), GAMMA_GAMMA))
    return (
        Figure(name, "", spread([_error(found, published)]), _text(found))
        for name, (found, published) in zip(NAMES, pairs, strict=True)
    )


def _error(found: Any, published: Any) -> float:
    ratios = zip(dataclasses.astuple(found), dataclasses.astuple(published), strict=True)
    return float(max(abs(one / other - 1) for one, other in ratios))


def _text(found: Any) -> str:
    return "found " + ", ".join(f"{name} {value:.4g}" for name, value in dataclasses.asdict(found).items())
