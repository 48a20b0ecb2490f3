"""Requests of ModelInfer, and what their replies hold."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from protos.inference import inference_pb2
from server.inference.infer import Inference
from server.served import Scored
from tests.server import asking

Request = inference_pb2.ModelInferRequest
Response = inference_pb2.ModelInferResponse
Tensor = Request.InferInputTensor
Matrix = Sequence[Sequence[float]]

WIDTH = 2  # shop's features


def raw(rows: Matrix, *outputs: str, **others: Any) -> Request:
    """A request with its numbers in raw_input_contents."""
    return _request(rows, outputs, {"raw_input_contents": [np.array(rows, "<f4").tobytes()], **others})


def typed(rows: Matrix, *outputs: str, **others: Any) -> Request:
    """A request with its numbers in its tensor."""
    request = _request(rows, outputs, others)
    request.inputs[0].contents.fp32_contents.extend(np.ravel(rows))
    return request


def _request(rows: Matrix, outputs: Sequence[str], others: Mapping[str, Any]) -> Request:
    tensor = Tensor(name="features", datatype="FP32", shape=(len(rows), len(rows[0])))
    asked = [Request.InferRequestedOutputTensor(name=name) for name in outputs]
    return Request(**{"model_name": "shop", "inputs": [tensor], "outputs": asked, **others})


def infer(inference: Inference, request: Request, scores: Matrix) -> Response:
    """The reply when the graph gives these scores."""
    prepared = inference.prepare(request.SerializeToString())
    (run,) = prepared.runs
    run.scored = Scored(np.array(scores, np.float32), asking.served_by(run).reader.complete(run.rows))
    return Response.FromString(inference.finish(prepared))


def run_rows(inference: Inference, message: bytes) -> list[list[float]]:
    """The rows of a request as they would be scored."""
    (run,) = inference.prepare(message).runs
    rows: list[list[float]] = asking.served_by(run).reader.complete(run.rows).rows.tolist()
    return rows


def read(response: Response) -> dict[str, list[list[float]]]:
    """The outputs by name, as rows."""
    numbers: list[Any] = [np.frombuffer(one, "<f4") for one in response.raw_output_contents]
    numbers = numbers or [np.array(one.contents.fp32_contents) for one in response.outputs]
    assert {one.datatype for one in response.outputs} == {"FP32"}
    return {
        tensor.name: one.reshape(tuple(tensor.shape)).tolist()
        for tensor, one in zip(response.outputs, numbers, strict=True)
    }
