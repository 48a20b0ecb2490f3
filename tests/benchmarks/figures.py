"""A number that the benchmark reports, with the bar that it is held against."""

from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from tests.benchmarks.spread import Spread


@dataclass(frozen=True, slots=True)
class Bar:
    """What is wanted of a figure.

    Attributes:
        relation: ">=", "<=" or "<".
        limit: the number it is compared with.
    """

    relation: str
    limit: float

    def holds(self, value: float) -> bool:
        """Whether the value is what is wanted."""
        return _RELATIONS[self.relation](value, self.limit)

    def __str__(self) -> str:
        return f"{self.relation} {self.limit:,g}"


_RELATIONS: dict[str, Callable[[float, float], bool]] = {
    ">=": lambda value, limit: value >= limit,
    "<=": lambda value, limit: value <= limit,
    "<": lambda value, limit: value < limit,
}

# What is required, by the figure's name; * stands for any characters.
BARS = {
    "closed32_over_floor": Bar(">=", 1.0),
    "closed32_over_aio": Bar(">=", 6.0),
    "closed32_over_mosec": Bar(">=", 3.0),
    "p50_one_connection_over_floor": Bar("<=", 2.5),
    "batch64_rows_per_s": Bar(">=", 100_000),
    "half_load_p99_over_echo_ms": Bar("<", 1.0),
    "overload_goodput_over_peak": Bar(">=", 0.85),
    "heavy_row_us": Bar(">=", 500),
    "swap_failed_requests": Bar("<=", 0),
    "swap_mixed_replies": Bar("<=", 0),
    "publish_p999_over_quiet": Bar("<=", 1.5),
    "label_p999_over_quiet": Bar("<=", 1.5),
    "swap_rss_growth": Bar("<=", 1.05),
    "shoppers_roc_auc": Bar(">=", 0.93),
    "shoppers_average_precision": Bar(">=", 0.75),
    "telecom_roc_auc": Bar(">=", 0.845),
    "bank_roc_auc": Bar(">=", 0.80),
    "sentences_accuracy": Bar(">=", 0.83),
    "bgnbd_largest_error": Bar("<=", 0.01),
    "parity_*": Bar("<=", 1e-5),
    "one_row_*_us": Bar("<", 100),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One number, or why there is none.

    Attributes:
        name: its key in the record.
        unit: of the number, "" for a ratio.
        measured: None when it could not be measured.
        note: what a reader has to know; when it was not measured, why.
    """

    name: str
    unit: str
    measured: Spread | None
    note: str = field(default="")

    @property
    def bar(self) -> Bar | None:
        """What is required of it, None for information."""
        return next((bar for pattern, bar in BARS.items() if fnmatchcase(self.name, pattern)), None)

    @property
    def holds(self) -> bool | None:
        """Whether the bar holds, None without a bar or a number."""
        if self.bar is None or self.measured is None:
            return None
        return self.bar.holds(self.measured.median)
