"""Replies, put together from bytes, are what the generated code makes of the same facts."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from protos.audience.v1 import bundle_pb2, scoring_pb2
from server.counters import Counters, Shape
from server.heads import FloatMatrix
from server.metrics import Metrics
from server.registry import Registry
from server.rows import Block, Row
from server.served import Scored, Target
from tests.server import expected
from tests.server.conftest import Measured, law
from tests.server.literal import model

MessageT = TypeVar("MessageT", bound=Message)
LATE = scoring_pb2.DEGRADATION_LATE
counts = st.integers(0, 3) | st.integers(0, 300)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Metrics:
    """Metrics that all examples of a law count into."""
    counters = Counters.create(tmp_path_factory.mktemp("counters") / "counters", Shape(rows=1))
    return Metrics(counters.row(0))


def target(made: bundle_pb2.Manifest, heads: Sequence[bundle_pb2.Head], metrics: Metrics) -> Target:
    """What a selector of these heads of a model asks for."""
    registry = Registry(metrics)
    registry.publish([model(made=made)], {}, frozenset())
    served = registry.current.find("", None)
    return Target(served, [served.model.description.heads[head.name] for head in heads])


def parsed(encoded: bytes, kind: type[MessageT]) -> bytes:
    """The message, as protobuf writes it with its maps sorted: NaN, which equals nothing, is the same there."""
    message = kind.FromString(encoded)
    assert kind.FromString(message.SerializeToString()).SerializeToString(deterministic=True) == written(message)
    return written(message)


def written(message: Message) -> bytes:
    """As parsed gives it."""
    return message.SerializeToString(deterministic=True)


@st.composite
def asked(draw: st.DrawFn) -> tuple[bundle_pb2.Manifest, Sequence[bundle_pb2.Head], FloatMatrix]:
    """A manifest, some of its heads in some order, and scores of some visitors."""
    made = draw(expected.manifests())
    heads = draw(st.permutations(list(made.heads)).map(lambda heads: heads[:3]))
    return made, heads, draw(expected.matrices(made, draw(st.integers(1, 4))))


Asked = tuple[bundle_pb2.Manifest, Sequence[bundle_pb2.Head], FloatMatrix]
WIDTH = 2  # features of literal's model


@st.composite
def blocks(draw: st.DrawFn, count: int) -> Block:
    """What had to be assumed about so many visitors, perhaps nothing."""
    rows = np.zeros((count, WIDTH), np.float32)
    if draw(st.booleans()):
        return Block(rows)
    many = st.lists(counts, min_size=count, max_size=count).map(np.array)
    flags = st.lists(st.booleans(), min_size=count * WIDTH, max_size=count * WIDTH)
    defaulted = np.array(draw(flags)).reshape(count, WIDTH)
    return Block(rows, draw(many), draw(many), defaulted)


def assumed(block: Block, row: int) -> tuple[int, int]:
    """Features of a row that were missing and out of range."""
    if block.missing is None or block.out_of_range is None:
        return 0, 0
    return int(block.missing[row]), int(block.out_of_range[row])


@law
@given(asked(), st.data())
def test_reply_for_one_visitor(shared: Metrics, asked: Asked, data: st.DataObject) -> None:
    """Every head that was asked for, as the contract says, and what had to be assumed; no head without a number."""
    made, heads, matrix = asked
    block = data.draw(blocks(len(matrix)))
    row, is_remapped = data.draw(st.integers(0, len(matrix) - 1)), data.draw(st.booleans())
    reply = expected.model_scores(made, heads, matrix[row].tolist())
    missing, out_of_range = assumed(block, row)
    quality = scoring_pb2.FeatureQuality(missing=missing, out_of_range=out_of_range, remapped=is_remapped)
    reply.feature_quality.CopyFrom(quality)
    encoded = target(made, heads, shared).encode(Scored(matrix, block), row, is_remapped=is_remapped)
    assert parsed(encoded, scoring_pb2.ModelScores) == written(reply)


@law
@given(asked(), st.data())
def test_reply_for_many_visitors(shared: Metrics, asked: Asked, data: st.DataObject) -> None:
    """The same in columns, for some of those who were scored together; what is no number is NaN."""
    made, heads, matrix = asked
    block = data.draw(blocks(len(matrix)))
    first = data.draw(st.integers(0, len(matrix) - 1))
    last = data.draw(st.integers(first + 1, len(matrix)))
    rows = [Row(b"", None, 0, is_remapped=data.draw(st.booleans())) for _ in range(first, last)]
    reply = expected.model_columns(made, heads, matrix[first:last].tolist())
    for number in range(first, last):
        missing, out_of_range = assumed(block, number)
        reply.missing.append(missing)
        reply.out_of_range.append(out_of_range)
    reply.remapped.extend(row.is_remapped for row in rows)
    encoded = target(made, heads, shared).encode_columns(Scored(matrix, block), first, rows)
    assert parsed(encoded, scoring_pb2.ModelColumns) == written(reply)


@law
@given(asked(), st.integers(1, 3))
def test_reply_of_what_is_known_of_anybody(shared: Metrics, asked: Asked, count: int) -> None:
    """The largest segment with the shares, the means that were recorded, and why; nothing is assumed of features."""
    made, heads, _ = asked
    prior = expected.prior(made)
    one, many = expected.model_scores(made, heads, prior), expected.model_columns(made, heads, [prior] * count)
    one.degraded = many.degraded = LATE
    asked_for = target(made, heads, shared)
    assert parsed(asked_for.encode_prior(LATE), scoring_pb2.ModelScores) == written(one)
    assert parsed(asked_for.encode_prior_columns(count, LATE), scoring_pb2.ModelColumns) == written(many)


def test_counts(measured: Measured) -> None:
    """What is answered is counted by model and version, and defaults by feature; what is known of anybody apart."""
    one = model()
    registry = Registry(measured.metrics)
    registry.publish([one], {}, frozenset())
    asked_for = Target(registry.current.find("", None), list(one.description.heads.values()))
    defaulted = np.array([[True, True], [True, False], [False, False]])
    block = Block(np.zeros((3, 2), np.float32), np.array([1, 1, 0]), np.array([1, 0, 0]), defaulted)
    scored = Scored(np.zeros((3, 4), np.float32), block)
    names = ("rows", "rows_remapped", "features_missing", "features_out_of_range", "rows_degraded")

    def counted() -> list[float]:
        totals = [measured.sample(f"audience_{name}_total", model="shop", version="1") for name in names]
        features = [
            measured.sample("audience_feature_defaulted_total", model="shop", feature=name)
            for name in ("recency_days", "visits")
        ]
        return totals + features

    asked_for.encode_prior(LATE)
    assert counted() == [0, 0, 0, 0, 1, 0, 0]
    asked_for.encode_prior_columns(3, LATE)
    assert counted() == [0, 0, 0, 0, 4, 0, 0]
    asked_for.encode(scored, 0, is_remapped=False)
    assert counted() == [1, 0, 1, 1, 4, 1, 1]
    asked_for.encode(scored, 2, is_remapped=True)
    assert counted() == [2, 1, 1, 1, 4, 1, 1]
    rows = [Row(b"", None, 0, is_remapped=is_remapped) for is_remapped in (True, False)]
    asked_for.encode_columns(scored, 1, rows)
    assert counted() == [4, 2, 2, 1, 4, 2, 1]


def test_rows_of_several_calls_are_scored_in_their_order(metrics: Metrics) -> None:
    """The scores are those of the rows, line by line, and beside them what had to be assumed."""
    registry = Registry(metrics)
    registry.publish([model(score=lambda rows: np.hstack([rows, rows]))], {}, frozenset())
    served = registry.current.find("", None)
    rows = [Row(np.array(values, np.float32).tobytes(), None, 0, is_remapped=False) for values in ([1, 2], [95, 4])]
    scored = served.score(rows)
    assert scored.lists == scored.matrix.tolist() == [[1, 2, 1, 2], [0, 4, 0, 4]]
    assert [assumed(scored.block, row) for row in (0, 1)] == [(0, 0), (0, 1)]
