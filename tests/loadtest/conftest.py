"""A recorded run made of literal times, and a real server on loopback."""

import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from google.protobuf import json_format

from loadtest.results import Facts, Results
from protos.audience.v1 import bundle_pb2, scoring_pb2, scoring_pb2_grpc

Answer = Callable[[int, scoring_pb2.ScoreRequest, grpc.ServicerContext], scoring_pb2.ScoreReply]
FINGERPRINT = "0123456789abcdef0123456789abcdef"


def good(number: int, request: scoring_pb2.ScoreRequest, context: grpc.ServicerContext) -> scoring_pb2.ScoreReply:
    """An answer from model "shop"."""
    return scoring_pb2.ScoreReply(results=[scoring_pb2.ModelScores(model="shop", version=1)])


class Scoring(scoring_pb2_grpc.ScoringServicer):
    """Answers as the test says, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answer: Answer = good
        self.requests: list[scoring_pb2.ScoreRequest] = []
        self.peers: set[str] = set()
        self.lock = threading.Lock()
        self.target = ""

    def Score(self, request: scoring_pb2.ScoreRequest, context: Any) -> Any:  # noqa: N802  # the service's name for it
        """As the test says."""
        with self.lock:
            number = len(self.requests)
            self.requests.append(request)
            self.peers.add(context.peer())
        return self.answer(number, request, context)

    def ScoreBatch(self, request: scoring_pb2.ScoreBatchRequest, context: Any) -> Any:  # noqa: ARG002, N802  # as above
        """Not asked for here."""
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "only Score")


@pytest.fixture
def scoring() -> Iterator[Scoring]:
    """A servicer behind a real gRPC server on a free loopback port."""
    servicer = Scoring()
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
    scoring_pb2_grpc.add_ScoringServicer_to_server(servicer, server)
    servicer.target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield servicer
    server.stop(grace=None).wait()


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A version's folder with 3 reference rows of 2 features, and a field that this version does not know."""
    folder = tmp_path / "shop" / "1"
    folder.mkdir(parents=True)
    features = [bundle_pb2.Feature(name="recency_days"), bundle_pb2.Feature(name="basket_usd")]
    schema = bundle_pb2.FeatureSchema(fingerprint=FINGERPRINT, features=features)
    manifest = json_format.MessageToJson(bundle_pb2.Manifest(model="shop", version=1, schema=schema))
    (folder / "manifest.json").write_text(manifest.replace("{", '{"fromTheFuture": 1,', 1), encoding="utf-8")
    rows = np.array([[1, 2], [3, 4], [5, 6]], np.float32)
    np.savez(folder / "reference.npz", features=rows, scores=np.zeros((3, 1), np.float32))
    return folder


def recorded(columns: list[tuple[int, int, int, int]], **facts: Any) -> Results:
    """A run with a row (due, sent, done, status) for each request; times in milliseconds, -1 is never."""
    values: dict[str, Any] = {
        "target": "127.0.0.1:50051",
        "source": "literal",
        "rate_hz": 1000.0,
        "concurrency": 0,
        "duration_s": len(columns) / 1000,
        "warmup_s": 0.0,
        "connections": 1,
        "processes": 1,
        "deadline_ms": 100.0,
        "objectives": (),
        "started_ms": 0,
        "window_ns": len(columns) * 1_000_000,
        "busy_share": 0.1,
        "is_interrupted": False,
        "reconnect_count": 0,
        "troubles": {},
        "versions": {},
    }
    table = np.array(columns, np.int64).reshape(-1, 4)
    due, sent, done = (np.where(table[:, k] < 0, -1, table[:, k] * 1_000_000) for k in range(3))
    return Results(Facts(**{**values, **facts}), due, sent, done, table[:, 3].astype(np.int16))
