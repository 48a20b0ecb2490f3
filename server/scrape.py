"""The counters of all processes as Prometheus reads them: summed when it asks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from server.counters import Counters, Labels
from server.series import COUNTED, Durations, Metric

Sums = Mapping[tuple[str, Labels], Sequence[int]]


class CountersCollector(Collector):
    """A collector for prometheus_client that sums the counters' rows each time it is asked."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    def collect(self) -> Iterable[Family]:
        """See Collector: every metric that is counted, with its series in a constant order."""
        sums = self._counters.sums()
        return [_family(metric, sums) for metric in COUNTED]


def make_gauge(metric: Metric, registry: CollectorRegistry) -> Gauge:
    """A gauge of this process alone; gauges are not summed."""
    return Gauge(metric.name, metric.help, metric.labels, registry=registry)


def _family(metric: Metric, sums: Sums) -> Family:
    if isinstance(metric, Durations):
        histogram = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
        for labels, cells in _series(metric, sums, metric.width):
            *buckets, sum_ns = cells
            bounds = [*map(str, metric.bounds_s), "+Inf"]
            histogram.add_metric(labels, list(zip(bounds, accumulate(buckets), strict=True)), sum_ns / 1e9)
        return histogram
    counter = CounterMetricFamily(metric.name, metric.help, labels=metric.labels)
    for labels, (count,) in _series(metric, sums, 1):
        counter.add_metric(labels, count / metric.per_unit)
    return counter


def _series(metric: Metric, sums: Sums, width: int) -> Iterator[tuple[Labels, Sequence[int]]]:
    """The metric's series: those with the right number of labels and cells, since a file may say anything."""
    for (name, labels), cells in sorted(sums.items()):
        if name == metric.name and len(labels) == len(metric.labels) and len(cells) == width:
            yield labels, cells
