"""What one row costs in the graph alone."""

import time

from server.model import INPUT, OUTPUT, open_graph
from tests.benchmarks.graph import Bundle

_ROUNDS = 3


def cost_us(bundle: Bundle) -> list[float]:
    """Time of a run of one row in this process, a mean over all rows for each of a few rounds, after a warm round."""
    graph = open_graph(bundle.graph.read_bytes())
    rows = [bundle.features[i : i + 1] for i in range(len(bundle.features))]
    means = []
    for _ in range(1 + _ROUNDS):
        start = time.perf_counter()
        for row in rows:
            graph.run([OUTPUT], {INPUT: row})
        means.append((time.perf_counter() - start) / len(rows) * 1e6)
    return means[1:]
