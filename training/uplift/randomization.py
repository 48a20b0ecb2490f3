"""Whether a campaign's treatment was given at random; else what follows it is no effect of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import chisquare

from training.features import Features, FeatureSpec
from training.heads import BoolArray, FloatArray

REFUSE, WARN = "refuse", "warn"
RATIO_P: Final = 0.001  # Fabijan and others, Diagnosing sample ratio mismatch, 2019
_WARN_DIFFERENCE: Final = 0.1  # P. Austin, 2009: below it, groups are balanced
_REFUSE_DIFFERENCE: Final = 0.25  # D. Rubin, 2001: beyond it, no adjustment can be trusted
_CHANCE: Final = 4.0  # standard errors; by chance one feature in 16,000 is beyond it


@dataclass(frozen=True, slots=True)
class Finding:
    """What speaks against a treatment at random.

    Attributes:
        check: "ratio", "balance" or "visitors".
        feature: which differs, "" where it is none.
        figure: a probability, or a standardized difference.
        severity: REFUSE or WARN.
        text: a sentence.
    """

    check: str
    feature: str
    figure: float
    severity: str
    text: str


def check_ratio(treated: BoolArray, share: float) -> Finding | None:
    """Whether as many were treated as was said, by a chi-square test; None when they were.

    Args:
        treated: shape (n,).
        share: that was to be treated, between 0 and 1.
    """
    count, total = int(treated.sum()), len(treated)
    p = float(chisquare([count, total - count], [share * total, (1 - share) * total]).pvalue)
    if p >= RATIO_P:
        return None
    return Finding(
        "ratio",
        "",
        p,
        REFUSE,
        f"{count} of {total} were treated, where {share:.1%} were to be; chance does that in one of "
        f"{1 / max(p, 1e-12):,.0f} campaigns, so somebody was left out of one side",
    )


def differences(treated: BoolArray, features: Features, specs: Sequence[FeatureSpec]) -> FloatArray:
    """Of each feature, the mean of the treated less that of the others, in standard deviations, shape (len(specs),).

    Of a category, that of the word which differs most. A feature without any variation has 0.

    Source: P. Austin, Balance diagnostics for comparing the distribution of baseline covariates, 2009.
    """
    return np.array([_difference(treated, features[:, i], spec) for i, spec in enumerate(specs)])


def check_balance(treated: BoolArray, features: Features, specs: Sequence[FeatureSpec]) -> list[Finding]:
    """The features in which treated and others differ by more than chance and more than is harmless."""
    error = np.sqrt(1 / treated.sum() + 1 / (~treated).sum())
    found = []
    for spec, difference in zip(specs, differences(treated, features, specs).tolist(), strict=True):
        if abs(difference) <= max(_WARN_DIFFERENCE, _CHANCE * error):
            continue
        severity = REFUSE if abs(difference) > _REFUSE_DIFFERENCE else WARN
        text = (
            f"the treated differ in {spec.name} by {difference:.2f} standard deviations; a treatment at random leaves "
            f"at most {_WARN_DIFFERENCE:g}"
        )
        found.append(Finding("balance", spec.name, difference, severity, text))
    return found


def _difference(treated: BoolArray, column: Features, spec: FeatureSpec) -> float:
    if not spec.vocabulary:
        return _standardized(treated, column.astype(np.float64))
    words = [_standardized(treated, (column == code).astype(np.float64)) for code in range(len(spec.vocabulary))]
    return max(words, key=abs)


def _standardized(treated: BoolArray, values: FloatArray) -> float:
    one, other = values[treated], values[~treated]
    scale = float(np.sqrt((one.var() + other.var()) / 2))
    apart = float(one.mean() - other.mean())
    if not scale:
        return 0.0 if not apart else float(np.copysign(np.finfo(np.float32).max, apart))
    return apart / scale
