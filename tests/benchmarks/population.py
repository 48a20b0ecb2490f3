"""Visitors like a shop's: 40 features from a latent segment each, and two outcomes that depend on them.

Nobody's data: everything is drawn, from a fixed seed. The shapes are what matters to a model and to a processor: counts
and money are skewed and often 0, features go together, and no two rows take the same way through a tree.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.features import Features, FeatureSpec

SEED = 20261122
SEGMENT_COUNT = 8
BUYS_SHARE = 0.10
CHURNS_SHARE = 0.25

FloatArray = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_DAYS = (7, 28, 84, 364)
_TOPICS = ("food", "fashion", "home", "garden", "toys", "sports", "books", "beauty")
_COUNTS = ("visits", "page_views", "purchases", "emails_opened")
_MONEY = ("spend", "discount")
_RECENCIES = ("visit", "purchase", "email")
_SHARES = ("mobile", "weekend", "evening", "search")
_RATE_PER_DAY = {"visits": 0.25, "page_views": 1.5, "purchases": 0.03, "emails_opened": 0.08}


@dataclass(frozen=True, slots=True)
class Population:
    """Visitors and what they did next.

    Attributes:
        features: shape (n, 40), float32, columns as `specs()`.
        buys: shape (n,), about 10 % of them.
        churns: shape (n,), about 25 % of them.
    """

    features: Features
    buys: Flags
    churns: Flags


def specs() -> list[FeatureSpec]:
    """The 40 features, in the order of the columns."""
    return [
        *(_skewed(f"{name}_{days}d", "count") for name in _COUNTS for days in _DAYS),
        *(_skewed(f"{name}_{days}d", "USD") for name in _MONEY for days in _DAYS),
        *(_skewed(f"{topic}_views_84d", "count") for topic in _TOPICS),
        *(FeatureSpec(name=f"days_since_{name}", description=name, unit="days", maximum=730.0) for name in _RECENCIES),
        *(FeatureSpec(name=f"{name}_share", description=name, unit="share", maximum=1.0) for name in _SHARES),
        FeatureSpec(name="tenure_days", description="days since the first visit", unit="days", maximum=7300.0),
    ]


def _skewed(name: str, unit: str) -> FeatureSpec:
    return FeatureSpec(name=name, description=name.replace("_", " "), unit=unit, is_skewed=True)


def draw(count: int, seed: int = SEED) -> Population:
    """This many visitors; the same for the same seed."""
    generator = np.random.default_rng(seed)
    segment = generator.choice(SEGMENT_COUNT, count, p=_weights())
    activity = generator.gamma(0.8, 1.25, count) * np.geomspace(0.15, 4, SEGMENT_COUNT)[segment]
    columns = _columns(generator, segment, activity)
    features = np.column_stack([columns[spec.name] for spec in specs()]).astype(np.float32)
    return Population(features, _buys(generator, columns), _churns(generator, columns))


def _weights() -> FloatArray:
    weights = np.linspace(2, 1, SEGMENT_COUNT, dtype=np.float64)
    return np.asarray(weights / weights.sum())


def _columns(
    generator: np.random.Generator, segment: npt.NDArray[np.int64], activity: FloatArray
) -> dict[str, FloatArray]:
    """Every feature by its name, shape (n,) each."""
    taste = generator.dirichlet(np.full(len(_TOPICS), 0.4), SEGMENT_COUNT)[segment]
    columns: dict[str, FloatArray] = {}
    for name in _COUNTS:
        columns |= _windows(name, generator, activity * _RATE_PER_DAY[name])
    basket = generator.lognormal(3.2, 0.6, len(segment))
    thrift = generator.beta(1.5, 8, len(segment))
    for days in _DAYS:
        columns[f"spend_{days}d"] = (columns[f"purchases_{days}d"] * basket).round(2)
        columns[f"discount_{days}d"] = (columns[f"spend_{days}d"] * thrift).round(2)
    for topic, share in zip(_TOPICS, taste.T, strict=True):
        columns[f"{topic}_views_84d"] = generator.binomial(columns["page_views_84d"].astype(np.int64), share).astype(
            np.float64
        )
    for name, slowness in zip(_RECENCIES, (4.0, 30.0, 12.0), strict=True):
        columns[f"days_since_{name}"] = np.clip(generator.exponential(slowness / (activity + 0.02)), 0, 730)
    centres = generator.uniform(0.15, 0.85, (SEGMENT_COUNT, len(_SHARES)))[segment]
    for name, centre in zip(_SHARES, centres.T, strict=True):
        columns[f"{name}_share"] = generator.beta(6 * centre, 6 * (1 - centre)).round(3)
    columns["tenure_days"] = np.minimum(generator.gamma(1.2, 400, len(segment)), 7300.0).round()
    return columns


def _windows(name: str, generator: np.random.Generator, rate_per_day: FloatArray) -> dict[str, FloatArray]:
    """Counts of the last days, each window holding the shorter ones."""
    total = np.zeros(len(rate_per_day))
    windows, before = {}, 0
    for days in _DAYS:
        total = total + generator.poisson(rate_per_day * (days - before))
        windows[f"{name}_{days}d"], before = total, days
    return windows


def _buys(generator: np.random.Generator, columns: dict[str, FloatArray]) -> Flags:
    """Who buys within 7 days: those who come often, have bought lately, and look at food or fashion."""
    score = (
        np.log1p(columns["visits_7d"])
        + 0.7 * np.log1p(columns["purchases_84d"])
        + 0.4 * np.log1p(columns["food_views_84d"] + columns["fashion_views_84d"])
        - 0.3 * np.log1p(columns["days_since_purchase"])
        + generator.logistic(0, 1.0, len(columns["visits_7d"]))
    )
    return np.asarray(score > np.quantile(score, 1 - BUYS_SHARE))


def _churns(generator: np.random.Generator, columns: dict[str, FloatArray]) -> Flags:
    """Who does not come back: those who have been away for long for what they are used to."""
    usual_gap = 364 / (1 + columns["visits_364d"])
    score = (
        np.log1p(columns["days_since_visit"])
        - np.log1p(usual_gap)
        - 0.5 * np.log1p(columns["emails_opened_28d"])
        + 0.8 * (columns["mobile_share"] > 0.7) * (columns["weekend_share"] > 0.5)
        + generator.logistic(0, 0.5, len(usual_gap))
    )
    return np.asarray(score > np.quantile(score, 1 - CHURNS_SHARE))
