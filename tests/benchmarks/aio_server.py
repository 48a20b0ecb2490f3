"""A scoring server on grpc.aio as grpcio's own examples write one: python -m tests.benchmarks.aio_server GRAPH.

Prints its port. The code of its contract, limit.proto, has to be on PYTHONPATH.
"""

import asyncio
import sys

import grpc
import grpc.aio
import limit_pb2
import limit_pb2_grpc
import numpy as np
import onnxruntime


class Limit(limit_pb2_grpc.LimitServicer):  # type: ignore[misc]  # generated without types
    """The service of limit.proto."""

    def __init__(self, graph: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # faster than the default on one core
        self.session = onnxruntime.InferenceSession(graph, options)
        self.input = self.session.get_inputs()[0].name

    async def Score(self, request: limit_pb2.Row, _context: object) -> object:  # noqa: N802  # the method's name
        """One row of float32 through the graph."""
        row = np.frombuffer(request.features, np.float32)
        (scores,) = self.session.run(None, {self.input: row[None]})
        return limit_pb2.Scores(values=scores[0])


async def serve(graph: str) -> None:
    """Serves until it is killed."""
    server = grpc.aio.server()
    limit_pb2_grpc.add_LimitServicer_to_server(Limit(graph), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
