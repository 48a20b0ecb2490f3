"""A scoring server on mosec as its own examples write one: python mosec_server.py --address HOST --port PORT.

Runs in an environment of its own. GRAPH in its environment is the path of model.onnx, BATCH the largest batch.
"""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime
from mosec import Server, Worker

BATCH = int(os.environ["BATCH"])


class Inference(Worker):  # type: ignore[misc]  # mosec is not installed where types are checked
    """One row of numbers, or with batches a list of them, through the graph."""

    def __init__(self) -> None:
        super().__init__()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # faster than the default on one core
        self.session = onnxruntime.InferenceSession(os.environ["GRAPH"], options)
        self.input = self.session.get_inputs()[0].name

    def forward(self, data: Sequence[Any]) -> list[Any]:
        """The scores of the row, or of each row."""
        rows = np.asarray(data, dtype=np.float32).reshape(-1, len(data[0]) if BATCH > 1 else len(data))
        scores: list[Any] = self.session.run(None, {self.input: rows})[0].tolist()
        return scores if BATCH > 1 else scores[0]


if __name__ == "__main__":
    server = Server()
    server.append_worker(Inference, num=1, max_batch_size=BATCH)
    server.run()
