"""Models with any heads, and the replies that scoring.proto says their scores make, put together by generated code."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from protos.audience.v1 import bundle_pb2, scoring_pb2
from server.heads import FloatMatrix
from tests.server.literal import DISTANCE, EXPECTED, MARGIN, MEMBERSHIP, PROBABILITY, SEGMENT, Role, columns, manifest

_SEGMENTATION, _VALUE = bundle_pb2.HEAD_KIND_SEGMENTATION, bundle_pb2.HEAD_KIND_VALUE
_FLOOR = 0.001

_names = st.from_regex(r"[a-z0-9_]{1,64}", fullmatch=True)
_texts = st.text(min_size=1, max_size=8) | st.integers(1, 500).map("é".__mul__)
_shares = st.floats(0, 1, width=32)
_reals = st.floats(-1e6, 1e6, width=32)
_scores = _reals | st.sampled_from([0.0, math.nan, _FLOOR, 1.0])


@st.composite
def _segmentations(draw: st.DrawFn, name: str, first: int) -> bundle_pb2.Head:
    keys = draw(st.lists(_texts, min_size=1, max_size=4, unique=True))
    names = draw(st.lists(_texts, min_size=len(keys), max_size=len(keys), unique=True))
    roles: list[Role] = [(SEGMENT, first, 1)]
    for role, count in draw(st.permutations([(DISTANCE, 1), (MARGIN, 1), (MEMBERSHIP, len(keys))])):
        if draw(st.booleans()):
            _, after, width = roles[-1]
            roles.append((role, after + width, count))
    segments = [
        bundle_pb2.SegmentFacts(key=key, name=name, share=draw(_shares)) for key, name in zip(keys, names, strict=True)
    ]
    return bundle_pb2.Head(name=name, kind=_SEGMENTATION, columns=columns(*roles), segments=segments)


@st.composite
def _numbers(draw: st.DrawFn, name: str, first: int) -> bundle_pb2.Head:
    is_value = draw(st.booleans())
    head = bundle_pb2.Head(
        name=name,
        kind=_VALUE if is_value else bundle_pb2.HEAD_KIND_PROPENSITY,
        columns=columns((EXPECTED if is_value else PROBABILITY, first, 1)),
        unit=draw(_texts) if is_value else "",
    )
    if draw(st.booleans()):
        quantiles = draw(st.lists(_reals, min_size=2, max_size=9).map(sorted))
        head.distribution.CopyFrom(bundle_pb2.Distribution(quantiles=quantiles, mean=draw(_reals)))
    return head


@st.composite
def manifests(draw: st.DrawFn) -> bundle_pb2.Manifest:
    """A manifest with one to four heads of any kind."""
    heads: list[bundle_pb2.Head] = []
    first = 0
    for name in draw(st.lists(_names, min_size=1, max_size=4, unique=True)):
        heads.append(draw(_segmentations(name, first) | _numbers(name, first)))
        first = max(one.first + one.count for one in heads[-1].columns)
    version = draw(st.integers(1, 2**53 - 1))
    return manifest(*heads, score_count=first, name=draw(_names), version=version)


@st.composite
def matrices(draw: st.DrawFn, made: bundle_pb2.Manifest, count: int) -> FloatMatrix:
    """Scores of so many visitors, whose segments exist."""
    width = made.graph.score_count
    matrix = np.array(draw(st.lists(st.lists(_scores, min_size=width, max_size=width), min_size=count, max_size=count)))
    for head in made.heads:
        if head.kind == _SEGMENTATION:
            positions = st.integers(0, len(head.segments) - 1)
            matrix[:, head.columns[0].first] = draw(st.lists(positions, min_size=count, max_size=count))
    return matrix.astype(np.float32)


@dataclass(frozen=True, slots=True)
class Scores:
    """One head's scores of one visitor, by the roles of the columns."""

    head: bundle_pb2.Head
    row: Sequence[float]

    def all(self, role: bundle_pb2.ColumnRole.ValueType) -> Sequence[float]:
        """Those of a role; none when the head has none."""
        return next((self.row[one.first : one.first + one.count] for one in self.head.columns if one.role == role), ())

    def one(self, role: bundle_pb2.ColumnRole.ValueType) -> float | None:
        """The only one of a role; None when there is none, or it is no number."""
        return next((score for score in self.all(role) if not math.isnan(score)), None)

    @property
    def number(self) -> float:
        """Probability or amount, NaN where there is none."""
        return [*self.all(PROBABILITY), *self.all(EXPECTED)][0]  # there is one

    @property
    def percentile(self) -> float | None:
        """Where it stands; None where that was not recorded."""
        quantiles = self.head.distribution.quantiles
        if not quantiles:
            return None
        return _percentile(quantiles, self.number)


def _percentile(quantiles: Sequence[float], score: float) -> float:
    if math.isnan(score):
        return math.nan
    below = [quantile for quantile in quantiles if quantile < score]
    if not below or len(below) == len(quantiles):
        return 100.0 if below else 0.0
    low, high = below[-1], quantiles[len(below)]
    return 100.0 * (len(below) - 1 + (score - low) / (high - low)) / (len(quantiles) - 1)


def model_scores(
    made: bundle_pb2.Manifest, heads: Sequence[bundle_pb2.Head], row: Sequence[float]
) -> scoring_pb2.ModelScores:
    """What the model says of one visitor, without what had to be assumed."""
    reply = scoring_pb2.ModelScores(model=made.model, version=made.version)
    for head in heads:
        _write(Scores(head, row), reply)
    return reply


def _write(scores: Scores, reply: scoring_pb2.ModelScores) -> None:
    head = scores.head
    if head.kind == _SEGMENTATION:
        facts = head.segments[int(scores.all(SEGMENT)[0])]
        members = zip(head.segments, scores.all(MEMBERSHIP), strict=False)
        segment = scoring_pb2.Segment(
            key=facts.key,
            name=facts.name,
            memberships={one.key: share for one, share in members if share >= _FLOOR},
            distance=scores.one(DISTANCE),
            margin=scores.one(MARGIN),
        )
        reply.segmentations[head.name].CopyFrom(segment)
    elif math.isnan(scores.number):
        return
    elif head.kind == _VALUE:
        amount = scoring_pb2.ExpectedValue(expected=scores.number, unit=head.unit, percentile=scores.percentile)
        reply.values[head.name].CopyFrom(amount)
    else:
        likely = scoring_pb2.Propensity(probability=scores.number, percentile=scores.percentile)
        reply.propensities[head.name].CopyFrom(likely)


def model_columns(
    made: bundle_pb2.Manifest, heads: Sequence[bundle_pb2.Head], rows: Sequence[Sequence[float]]
) -> scoring_pb2.ModelColumns:
    """What the model says of many visitors, without what had to be assumed."""
    reply = scoring_pb2.ModelColumns(model=made.model, version=made.version)
    for head in heads:
        _write_columns(head, [Scores(head, row) for row in rows], reply)
    return reply


def _write_columns(head: bundle_pb2.Head, scores: Sequence[Scores], reply: scoring_pb2.ModelColumns) -> None:
    if head.kind == _SEGMENTATION:
        segments = reply.segmentations[head.name]
        segments.keys.extend(one.key for one in head.segments)
        segments.names.extend(one.name for one in head.segments)
        segments.segments.extend(int(one.all(SEGMENT)[0]) for one in scores)
        for column, role in (
            (segments.memberships, MEMBERSHIP),
            (segments.distances, DISTANCE),
            (segments.margins, MARGIN),
        ):
            column.extend(score for one in scores for score in one.all(role))
        return
    percentiles = [one.percentile for one in scores if one.percentile is not None]
    numbers = [one.number for one in scores]
    if head.kind == _VALUE:
        amounts = scoring_pb2.ExpectedValueColumns(expected=numbers, unit=head.unit, percentiles=percentiles)
        reply.values[head.name].CopyFrom(amounts)
    else:
        likely = scoring_pb2.PropensityColumns(probabilities=numbers, percentiles=percentiles)
        reply.propensities[head.name].CopyFrom(likely)


def prior(made: bundle_pb2.Manifest) -> Sequence[float]:
    """Scores of somebody of whom nothing is known: the largest segment, the segments' shares, the means."""
    row = np.full(made.graph.score_count, np.nan, np.float32)
    for head in made.heads:
        for one in head.columns:
            if one.role == SEGMENT:
                shares = [segment.share for segment in head.segments]
                row[one.first] = shares.index(max(shares))
            elif one.role == MEMBERSHIP:
                row[one.first : one.first + one.count] = [segment.share for segment in head.segments]
            elif one.role in {PROBABILITY, EXPECTED} and head.HasField("distribution"):
                row[one.first] = head.distribution.mean
    prior_: list[float] = row.tolist()
    return prior_
