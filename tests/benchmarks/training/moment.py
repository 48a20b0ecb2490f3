"""What one row through a graph costs, in the runtime as the server opens it."""

import statistics
import time

import numpy as np

from server.model import INPUT, OUTPUT, open_graph
from tests.benchmarks import processor
from training.features import Features

_ROWS = 2_000  # a row sent again and again would teach the processor the way through the trees
_SEED = 0


def row_us(graph: bytes, features: Features, rounds: int) -> list[float]:
    """The median time of a run of one row in each round, after a round that warms, on one core.

    Args:
        graph: model.onnx.
        features: shape (n, width), from which rows are drawn.
        rounds: how often all rows are run.
    """
    session = open_graph(graph)
    drawn = np.random.default_rng(_SEED).integers(0, len(features), _ROWS)
    rows = [np.ascontiguousarray(features[i : i + 1], np.float32) for i in drawn.tolist()]
    medians = []
    with processor.pinned(processor.available().servers):
        for _ in range(1 + rounds):
            spent_ns = []
            for row in rows:
                start_ns = time.perf_counter_ns()
                session.run([OUTPUT], {INPUT: row})
                spent_ns.append(time.perf_counter_ns() - start_ns)
            medians.append(statistics.median(spent_ns) / 1000)
    return medians[1:]
