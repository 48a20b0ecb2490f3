"""Every metric, by name. Children are bound when a method is registered or a model is loaded, never per request."""

from collections.abc import Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# From below what scoring takes to above any sensible deadline. Constant, so that sums over replicas mean something.
_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class ModelCounters:
    """What one version counts as it scores."""

    rows: Counter
    remapped: Counter
    missing: Counter
    out_of_range: Counter
    defaulted: Sequence[Counter]


class Metrics:
    """The metrics of one process.

    Args:
        registry: where they are registered; given, so that tests and processes do not share one.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.requests = Counter(
            "audience_requests", "Calls answered, by method and status.", ["method", "code"], registry=registry
        )
        self.seconds = Histogram(
            "audience_request_seconds",
            "Time from when a call was handed over to its answer, by method.",
            ["method"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.rows = Counter("audience_rows", "Visitors scored.", ["model", "version"], registry=registry)
        self.remapped = Counter(
            "audience_rows_remapped",
            "Visitors whose vector followed another version's schema and was read by names.",
            ["model", "version"],
            registry=registry,
        )
        self.missing = Counter(
            "audience_features_missing", "Features that were not given.", ["model", "version"], registry=registry
        )
        self.out_of_range = Counter(
            "audience_features_out_of_range", "Features outside their range.", ["model", "version"], registry=registry
        )
        self.defaulted = Counter(
            "audience_feature_defaulted",
            "Times that a feature took its default, because it was missing or out of range.",
            ["model", "feature"],
            registry=registry,
        )
        self.serving_version = Gauge(
            "audience_model_version", "Version that serves; absent while none does.", ["model"], registry=registry
        )
        self.swaps = Counter(
            "audience_model_swaps",
            "Times that another version of a model began to serve.",
            ["model"],
            registry=registry,
        )
        self.load_seconds = Histogram(
            "audience_model_load_seconds",
            "Time to verify, build, replay and warm a version that then served.",
            ["model"],
            buckets=(*_SECONDS, 30.0, 60.0),
            registry=registry,
        )
        self.refused = Counter(
            "audience_model_refused", "Versions that were refused; the log says why.", ["model"], registry=registry
        )
        self.scan_failures = Counter(
            "audience_repository_failures", "Times that the repository could not be read.", registry=registry
        )

    def for_model(self, model: str, version: int, features: Sequence[str]) -> ModelCounters:
        """The counters of one version, bound to its labels."""
        labels = (model, str(version))
        return ModelCounters(
            rows=self.rows.labels(*labels),
            remapped=self.remapped.labels(*labels),
            missing=self.missing.labels(*labels),
            out_of_range=self.out_of_range.labels(*labels),
            defaulted=[self.defaulted.labels(model, name) for name in features],
        )
