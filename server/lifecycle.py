"""What the control process counts of the models' lives."""

from prometheus_client import CollectorRegistry

from server import series
from server.counters import Row
from server.metrics import counter, observed
from server.scrape import make_gauge


class Lifecycle:
    """Loads, swaps and refusals.

    Args:
        row: the row to count in; only the caller's thread does.
        registry: where the gauges are registered.
    """

    def __init__(self, row: Row, registry: CollectorRegistry) -> None:
        self._row = row
        self._version = make_gauge(series.MODEL_VERSION, registry)
        self._failures = counter(row, series.SCAN_FAILURES)

    def note_model(self, model: str) -> None:
        """Begins a model's series at 0, so that they show their first increase."""
        counter(self._row, series.REFUSED, model)
        counter(self._row, series.SWAPS, model)

    def note_refusal(self, model: str) -> None:
        """A version of the model was refused."""
        counter(self._row, series.REFUSED, model).inc()

    def note_version(self, model: str, version: int, *, load_ns: int, is_swap: bool) -> None:
        """A version of the model serves since now, `load_ns` after it was begun with, perhaps in place of another."""
        self.note_serving(model, version)
        observed(self._row, series.LOAD_SECONDS, model).observe(load_ns)
        if is_swap:
            counter(self._row, series.SWAPS, model).inc()

    def note_serving(self, model: str, version: int) -> None:
        """A version of the model serves, perhaps since before this process began."""
        self._version.labels(model).set(version)

    def note_scan_failure(self) -> None:
        """The repository could not be read."""
        self._failures.inc()
