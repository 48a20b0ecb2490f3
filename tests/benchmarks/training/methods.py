"""Every method that a configuration can ask for, as it would ask, of the customers of shop_orders."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from training.configuration.section import Section
from training.heads import Head
from training.learners import FITS
from training.outcomes.fit import fit_outcome
from training.outcomes.methods import NEEDS_POSITIVE, OF_AMOUNTS, OF_CLASSES
from training.outcomes.order import OutcomeOrder, read_outcome
from training.segmentations.order import LEARNED, fit_segmentation, read_segmentation
from training.special_order import fit_special, read_special
from training.table import Table
from training.uplift.order import METHODS as UPLIFTS

_SEED: Final = 0
_STYLE: Final = ["order_value", "products_per_order", "days_between", "morning_share"]
_RULED: Final[Mapping[str, Mapping[str, Any]]] = {
    "rules": {
        "segments": [
            {"name": "Big morning orders", "when": "order_value > top(20%) and morning_share >= 0.5"},
            {"name": "Abroad", "when": 'region != "United Kingdom" or abroad_share > 0'},
            {"name": "New", "when": "tenure_days < 28"},
        ],
        "otherwise": "Others",
    },
    "rfm": {"features": ["recency_days", "orders_91d", "spend_91d"]},
    "lifecycle": {
        "recency": "recency_days",
        "tenure": "tenure_days",
        "gap": "days_between",
        "new_days": 28,
        "at_risk_gaps": 2,
        "lapsed_gaps": 4,
    },
}


@dataclass(frozen=True, slots=True)
class Case:
    """A method to fit.

    Attributes:
        name: of the figure.
        fit: the head, of rows such as `prepare` makes.
    """

    name: str
    fit: Callable[[Table], Head]


def cases() -> Iterator[Case]:
    """All methods of all kinds of heads."""
    yield from (Case(f"parity_{method}", _segmentation(method)) for method in (*LEARNED, *_RULED))
    yield from (_outcome("propensity", "buys_again_30d", method) for method in OF_CLASSES)
    yield from (_outcome("classes", "spends", method, classes=["nothing", "less", "more"]) for method in OF_CLASSES)
    yield from (_outcome("value", "spend_90d", method, unit="GBP") for method in OF_AMOUNTS)
    yield from (_special("lookalike", method) for method in FITS)
    for learner in ("logistic", "boosting"):
        yield from (_special("uplift", method, learner=learner, treatment="had_coupon") for method in UPLIFTS)


def prepare(table: Table) -> Table:
    """Rows of shop_orders with what they lack: an outcome of three classes, and a treatment that chance decided.

    Times are left out, so that customers alone keep rows apart, and few of them are enough.
    """
    spend = table.outcomes["spend_90d"]
    middle = np.nanmedian(spend[spend > 0])
    spends = np.where(np.isnan(spend), np.nan, np.where(spend <= 0, 0.0, np.where(spend < middle, 1.0, 2.0)))
    coupons = np.random.default_rng(_SEED).integers(0, 2, len(table)).astype(np.object_)
    return replace(table, as_of_ms=None, outcomes={**table.outcomes, "spends": spends}, columns={"had_coupon": coupons})


def _segmentation(method: str) -> Callable[[Table], Head]:
    keys = _RULED.get(method, {"features": _STYLE})
    order = read_segmentation(Section({"name": "style", "method": method, **keys}))
    return lambda table: fit_segmentation(order, table, _SEED)


def _outcome(kind: str, label: str, method: str, **keys: Any) -> Case:
    section = Section({"name": label, "kind": kind, "label": label, "methods": [method], "folds": 2, **keys})
    order = read_outcome(section, read_special)
    assert isinstance(order, OutcomeOrder)

    def fit(table: Table) -> Head:
        return fit_outcome(order, _positive(table, label) if method in NEEDS_POSITIVE else table, _SEED)

    return Case(f"parity_{kind}_{method}", fit)


def _positive(table: Table, label: str) -> Table:
    """The rows with an amount alone: methods of some distributions know no other."""
    amounts = table.outcomes[label]
    return replace(table, outcomes={**table.outcomes, label: np.where(amounts > 0, amounts, np.nan)})


def _special(kind: str, method: str, **keys: Any) -> Case:
    waited = {} if kind == "lookalike" else {"horizon_days": 30}
    label = "buys_again_30d"
    section = Section({"name": label, "kind": kind, "label": label, "methods": [method], **waited, **keys})
    order = read_outcome(section, read_special)
    assert not isinstance(order, OutcomeOrder)
    learner = f"_{keys['learner']}" if "learner" in keys else ""
    return Case(f"parity_{kind}_{method}{learner}", lambda table: fit_special(order, table, _SEED))
