"""Triton's own client, as it comes: python client.py fields, or python client.py ask TARGET < rows.json.

Prints JSON: the fields of its protocol, or what a server answers to all that the client can ask.
"""

from __future__ import annotations

import json
import queue
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from tritonclient import grpc as triton
from tritonclient.grpc import model_config_pb2, service_pb2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TIMEOUT_S = 20.0
MODEL = "shop"


def fields() -> dict[str, dict[str, list[Any]]]:
    """Of each message and enum, what every field is: number, type, label, and the name of its type."""
    found: dict[str, dict[str, list[Any]]] = {}
    for file in (service_pb2.DESCRIPTOR, model_config_pb2.DESCRIPTOR):
        for message in _messages(file.message_types_by_name.values()):
            found[message.full_name] = {field.name: _kind(field) for field in message.fields}
        for enum in file.enum_types_by_name.values():
            found[enum.full_name] = {value.name: [value.number] for value in enum.values}
    return found


def _messages(tops: Any) -> Iterator[Any]:
    for message in tops:
        yield message
        yield from _messages(message.nested_types)


def _kind(field: Any) -> list[Any]:
    of = field.message_type or field.enum_type
    oneof = field.containing_oneof.name if field.containing_oneof else ""
    return [field.number, field.type, field.is_repeated, of.full_name if of else "", oneof]


def ask(target: str, rows: list[list[float]]) -> dict[str, Any]:
    """What the server answers to everything."""
    with triton.InferenceServerClient(target) as client:
        tensor = triton.InferInput("features", [len(rows), len(rows[0])], "FP32")
        tensor.set_data_from_numpy(np.array(rows, np.float32))
        return {
            "live": client.is_server_live(),
            "ready": client.is_server_ready(),
            "model_ready": client.is_model_ready(MODEL, "1"),
            "other_ready": client.is_model_ready("other"),
            "server": client.get_server_metadata(as_json=True),
            "metadata": client.get_model_metadata(MODEL, as_json=True),
            "config": client.get_model_config(MODEL, as_json=True)["config"],
            "all": _outputs(client.infer(MODEL, [tensor], request_id="page-1")),
            "one": _outputs(
                client.infer(MODEL, [tensor], outputs=[triton.InferRequestedOutput("buys_7d.probability")])
            ),
            "async": _outputs(_wait(lambda done: client.async_infer(MODEL, [tensor], done))),
            "statistics": client.get_inference_statistics(MODEL, as_json=True)["model_stats"],
            "refused": {name: _refusal(call) for name, call in _refused(client, tensor).items()},
        }


def _outputs(result: Any) -> dict[str, Any]:
    reply = result.get_response()
    answered = {output.name: result.as_numpy(output.name).tolist() for output in reply.outputs}
    return {"id": reply.id, "model": f"{reply.model_name}/{reply.model_version}", "outputs": answered}


def _wait(start: Callable[[Callable[..., None]], Any]) -> Any:
    """What a call gives to its callback."""
    answered: queue.Queue[tuple[Any, Any]] = queue.Queue()
    start(lambda result, error: answered.put((result, error)))
    result, error = answered.get(timeout=TIMEOUT_S)
    if error is not None:
        raise error
    return result


def _refused(client: Any, tensor: Any) -> dict[str, Callable[[], Any]]:
    wrong = triton.InferInput("features", [1, 1], "FP32")
    wrong.set_data_from_numpy(np.zeros((1, 1), np.float32))

    def stream() -> Any:
        def start(done: Callable[..., None]) -> None:
            client.start_stream(done)
            client.async_stream_infer(MODEL, [tensor])

        try:
            return _wait(start)
        finally:
            client.stop_stream()

    return {
        "unknown model": lambda: client.get_model_metadata("other"),
        "wrong shape": lambda: client.infer(MODEL, [wrong]),
        "sequence": lambda: client.infer(MODEL, [tensor], sequence_id=7),
        "stream": stream,
        "repository": client.get_model_repository_index,
        "load": lambda: client.load_model(MODEL),
        "unload": lambda: client.unload_model(MODEL),
        "shared memory": client.get_system_shared_memory_status,
        "register": lambda: client.register_system_shared_memory("a", "/a", 64),
        "CUDA": client.get_cuda_shared_memory_status,
        "trace": client.get_trace_settings,
        "log": client.get_log_settings,
    }


def _refusal(call: Callable[[], Any]) -> list[str]:
    """Status and words of a call that must fail."""
    try:
        call()
    except triton.InferenceServerException as error:
        return [str(error.status()), error.message()]
    return ["OK", ""]


def main() -> None:
    """Does what the arguments say."""
    answer = fields() if sys.argv[1] == "fields" else ask(sys.argv[2], json.load(sys.stdin))
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
