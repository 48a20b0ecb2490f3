"""How good the shipped configurations' models are on records that they were not fitted on, and what one row costs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.benchmarks.figures import Figure
from tests.benchmarks.spread import spread
from tests.benchmarks.training.moment import row_us
from tests.benchmarks.training.refusals import left_out
from tests.benchmarks.training.versions import Version, Versions
from training.errors import NotTrained


@dataclass(frozen=True, slots=True)
class Quality:
    """A figure of evaluation.json.

    Attributes:
        head: of which outcome.
        figure: its name there.
        is_reduced: whether it is of the same method without the features that come too late.
    """

    head: str
    figure: str
    is_reduced: bool = False

    def read(self, evaluation: Mapping[str, Any]) -> float:
        """The number."""
        outcome = evaluation["outcomes"][self.head]
        figures = outcome["without"][0]["figures"] if self.is_reduced else outcome["figures"]
        return float(figures[self.figure])


# What is reported, by the configuration and the figure's name.
QUALITIES: Final[Mapping[str, Mapping[str, Quality]]] = {
    "shop_sessions": {
        "shoppers_roc_auc": Quality("buys", "roc_auc"),
        "shoppers_average_precision": Quality("buys", "average_precision"),
        "shoppers_without_page_values_roc_auc": Quality("buys", "roc_auc", is_reduced=True),
        "shoppers_without_page_values_average_precision": Quality("buys", "average_precision", is_reduced=True),
    },
    "bank": {
        "bank_roc_auc": Quality("subscribes", "roc_auc"),
        "bank_average_precision": Quality("subscribes", "average_precision"),
    },
    "telecom": {
        "telecom_roc_auc": Quality("leaves", "roc_auc"),
        "telecom_average_precision": Quality("leaves", "average_precision"),
    },
    "grocery": {
        "grocery_shops_again_roc_auc": Quality("shops_again_7d", "roc_auc"),
        "grocery_redeems_coupon_roc_auc": Quality("redeems_coupon_30d", "roc_auc"),
        "grocery_spend_spearman": Quality("spend_90d", "spearman"),
    },
    "reviews": {
        "reviews_contented_roc_auc": Quality("contented", "roc_auc"),
    },
    "shop_orders": {
        "shop_orders_buys_again_roc_auc": Quality("buys_again_30d", "roc_auc"),
        "shop_orders_spend_spearman": Quality("spend_90d", "spearman"),
    },
}


def measure(name: str, versions: Versions, rounds: int) -> Iterator[Figure]:
    """Quality and cost of one configuration, or all its figures without a number."""
    try:
        version = versions.of(name)
    except NotTrained as error:
        return left_out(names(name), error)
    return _figures(name, version, rounds)


def names(name: str) -> list[str]:
    """Of all figures of a configuration."""
    return [*QUALITIES[name], f"one_row_{name}_us", f"train_{name}_s"]


def _figures(name: str, version: Version, rounds: int) -> Iterator[Figure]:
    for figure, quality in QUALITIES[name].items():
        value = quality.read(version.evaluation)
        yield Figure(figure, "", spread([value]), _how(quality, version.evaluation))
    features = version.trained.material.newest.features
    heads = len(version.trained.heads)
    size = f"{heads} heads, {features.shape[1]} features, {len(version.graph) / 1e3:,.0f} kB"
    yield Figure(f"one_row_{name}_us", "µs", spread(row_us(version.graph, features, rounds)), size)
    rows = len(version.trained.material.table)
    yield Figure(f"train_{name}_s", "s", spread([version.seconds]), f"{rows:,} rows, read to published")


def _how(quality: Quality, evaluation: Mapping[str, Any]) -> str:
    """Method and split: a figure without them says little."""
    outcome = evaluation["outcomes"][quality.head]
    method = outcome["method"]
    if quality.is_reduced:
        method = f"{method} without {', '.join(outcome['without'][0]['features'])}"
    return f"{method}; {outcome['tested']['split']}"
