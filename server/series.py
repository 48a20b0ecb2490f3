"""Every metric that the server exports: its name, what it says, its labels, and the buckets of a histogram."""

from dataclasses import dataclass, field

from server.counters import DROPPED

# From below what scoring takes to above any sensible deadline. Constant, so that sums over replicas mean something.
_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Metric:
    """A counter or a gauge.

    Attributes:
        name: as Prometheus shows it; a counter's ends in "_total".
        help: what it says.
        labels: names of its labels.
        per_unit: what is counted for each 1 that Prometheus shows.
    """

    name: str
    help: str
    labels: tuple[str, ...] = ()
    per_unit: int = 1


@dataclass(frozen=True, slots=True)
class Durations(Metric):
    """A histogram of durations, counted in nanoseconds and shown in seconds.

    Attributes:
        bounds_s: upper ends of its buckets; one without end follows.
        bounds_ns: the same in nanoseconds.
    """

    bounds_s: tuple[float, ...] = _SECONDS
    bounds_ns: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "bounds_ns", tuple(round(bound_s * 1e9) for bound_s in self.bounds_s))

    @property
    def width(self) -> int:
        """Cells of one series: a count for each bucket, the one without end too, and the sum in nanoseconds."""
        return len(self.bounds_s) + 2


_VERSION = ("model", "version")

REQUESTS = Metric("audience_requests_total", "Calls answered, by method and status.", ("method", "code"))
REQUEST_SECONDS = Durations(
    "audience_request_seconds", "Time from when a call was handed over to its answer, by method.", ("method",)
)
ROWS = Metric("audience_rows_total", "Visitors scored.", ("model", "version"))
REMAPPED = Metric(
    "audience_rows_remapped_total",
    "Visitors whose vector followed another version's schema and was read by names.",
    ("model", "version"),
)
DEGRADED = Metric(
    "audience_rows_degraded_total",
    "Visitors answered in time with what is known of anybody, since there was no time to score.",
    ("model", "version"),
)
HELD_OUT = Metric(
    "audience_rows_held_out_total",
    "Visitors of the holdout, answered with what is known of anybody.",
    ("model", "version"),
)
MISSING = Metric("audience_features_missing_total", "Features that were not given.", ("model", "version"))
OUT_OF_RANGE = Metric("audience_features_out_of_range_total", "Features outside their range.", ("model", "version"))
DEFAULTED = Metric(
    "audience_feature_defaulted_total",
    "Times that a feature took its default, because it was missing or out of range.",
    ("model", "feature"),
)
SHADOW_ROWS = Metric(
    "audience_shadow_rows_total", "Visitors scored by a shadow version as well, of which nobody is told.", _VERSION
)
SHADOW_DROPPED = Metric(
    "audience_shadow_dropped_total",
    "Visitors whom a shadow version was to score, for which there was no time.",
    _VERSION,
)
SHADOW_FAILURES = Metric("audience_shadow_failures_total", "Visitors whom a shadow version could not score.", _VERSION)
SHADOW_COMPARED = Metric(
    "audience_shadow_compared_total",
    "Visitors of whom a shadow version's answer was compared with that of the version that answered.",
    (*_VERSION, "head"),
)
SHADOW_DIFFERENCES = Metric(
    "audience_shadow_differences_total", "Of those compared, visitors in another segment.", (*_VERSION, "head")
)
SHADOW_DEVIATION = Metric(
    "audience_shadow_deviation_total",
    "Sum, over those compared, of how far the probability or the expected value is off, to either side.",
    (*_VERSION, "head"),
    per_unit=1_000_000,
)
SWAPS = Metric("audience_model_swaps_total", "Times that another version of a model began to serve.", ("model",))
LOAD_SECONDS = Durations(
    "audience_model_load_seconds",
    "Time to verify a version and to have every worker serve it.",
    ("model",),
    bounds_s=(*_SECONDS, 30.0, 60.0),
)
REFUSED = Metric("audience_model_refused_total", "Versions that were refused; the log says why.", ("model",))
SCAN_FAILURES = Metric(
    "audience_repository_failures_total", "Times that the repository, or something in it, could not be read or copied."
)
STARTS = Metric("audience_process_starts_total", "Processes started, the first of each too.", ("process",))
SERIES_DROPPED = Metric(DROPPED, "Series that are not counted, since there was no room for them.")

COUNTED = (
    REQUESTS,
    REQUEST_SECONDS,
    ROWS,
    REMAPPED,
    DEGRADED,
    HELD_OUT,
    MISSING,
    OUT_OF_RANGE,
    DEFAULTED,
    SHADOW_ROWS,
    SHADOW_DROPPED,
    SHADOW_FAILURES,
    SHADOW_COMPARED,
    SHADOW_DIFFERENCES,
    SHADOW_DEVIATION,
    SWAPS,
    LOAD_SECONDS,
    REFUSED,
    SCAN_FAILURES,
    STARTS,
    SERIES_DROPPED,
)

MODEL_VERSION = Metric("audience_model_version", "Version that serves; absent while none does.", ("model",))
WORKERS = Metric("audience_workers", "Workers, by whether they are ready.", ("state",))

# Rows of the counters' file.
SUPERVISOR_ROW = 0
CONTROL_ROW = 1
MIRROR_ROW = 2  # of control's other thread that counts


def worker_row(worker: int) -> int:
    """The row of a worker, whose number counts from 0."""
    return 3 + worker


def row_count(workers: int) -> int:
    """Rows of a server with so many workers."""
    return worker_row(workers)
