"""Score and ScoreBatch: a request becomes rows, scores become a reply."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from protos.audience.v1 import scoring_pb2
from server.errors import AudienceError, InvalidRequest, NoModelReady, UnknownHead, UnknownModel
from server.heads import FloatMatrix, Head
from server.registry import Registry, Served, Snapshot
from server.rows import Block
from server.transport.seam import AnyMethod, Method, Run

SERVICE = "audience.v1.Scoring"
LONGEST_REQUEST_ID = 128
LONGEST_VISITOR_ID = 256
MOST_SELECTORS = 16
LONGEST_FAILURE = 1000  # scoring.proto, Failure.message

_THE_ONLY_MODEL = (scoring_pb2.Selector(),)


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What one selector gets: these heads, for these rows, of this model."""

    served: Served
    heads: tuple[Head, ...]
    block: Block


@dataclass(frozen=True, slots=True)
class Failure:
    """What one selector gets when its model cannot answer."""

    model: str
    error: AudienceError


Part = Answer | Failure


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request, checked, with a part for each selector."""

    request_id: str
    parts: tuple[Part, ...]

    @property
    def runs(self) -> Sequence[Run]:
        """See seam.Prepared."""
        return [Run(part.served.model, part.block.rows) for part in self.parts if isinstance(part, Answer)]


class Scoring:
    """The scoring methods.

    Args:
        registry: what serves.
        most_rows: the most rows of one batch.
        error_code: number of google.rpc.Code for an error that stands inside a reply.
    """

    def __init__(self, registry: Registry, *, most_rows: int, error_code: Callable[[AudienceError], int]) -> None:
        self._registry = registry
        self._most_rows = most_rows
        self._error_code = error_code

    def methods(self) -> Sequence[AnyMethod]:
        """The methods, for a transport to register."""
        return (
            Method(f"/{SERVICE}/Score", scoring_pb2.ScoreRequest, self.prepare_score, self.finish_score),
            Method(f"/{SERVICE}/ScoreBatch", scoring_pb2.ScoreBatchRequest, self.prepare_batch, self.finish_batch),
        )

    def prepare_score(self, request: scoring_pb2.ScoreRequest) -> Prepared:
        """The rows of one visitor, one for each selector; raises AudienceError as scoring.proto says."""
        _check_request(request.request_id, request.selectors)
        _check_visitor(request.visitor)
        snapshot = self._registry.current
        parts = [
            _part(snapshot, selector, [selector.features if selector.HasField("features") else request.features])
            for selector in request.selectors or _THE_ONLY_MODEL
        ]
        return Prepared(request.request_id, _answerable(parts))

    def prepare_batch(self, request: scoring_pb2.ScoreBatchRequest) -> Prepared:
        """The rows of many visitors, a block for each selector; raises AudienceError as scoring.proto says."""
        _check_request(request.request_id, request.selectors)
        self._check_rows(request)
        snapshot = self._registry.current
        features = [row.features for row in request.rows]
        parts = [_part(snapshot, selector, features) for selector in request.selectors or _THE_ONLY_MODEL]
        return Prepared(request.request_id, _answerable(parts))

    def finish_score(self, prepared: Prepared, scores: Sequence[FloatMatrix]) -> scoring_pb2.ScoreReply:
        """The reply for one visitor."""
        reply = scoring_pb2.ScoreReply(request_id=prepared.request_id)
        for part, block_scores in _with_scores(prepared.parts, scores):
            result = reply.results.add()
            if isinstance(part, Failure):
                self._write_failure(part, result)
            else:
                _write_scores(part, block_scores[0].tolist(), result)
        return reply

    def finish_batch(self, prepared: Prepared, scores: Sequence[FloatMatrix]) -> scoring_pb2.ScoreBatchReply:
        """The reply for many visitors, in columns."""
        reply = scoring_pb2.ScoreBatchReply(request_id=prepared.request_id)
        for part, block_scores in _with_scores(prepared.parts, scores):
            result = reply.results.add()
            if isinstance(part, Failure):
                self._write_failure(part, result)
            else:
                _write_columns(part, block_scores, result)
        return reply

    def _check_rows(self, request: scoring_pb2.ScoreBatchRequest) -> None:
        if not 1 <= len(request.rows) <= self._most_rows:
            raise InvalidRequest(f"the batch has {len(request.rows)} rows; needed are 1 to {self._most_rows}")
        if any(selector.HasField("features") for selector in request.selectors):
            raise InvalidRequest("a selector of a batch has features; they belong in the rows")
        for row in request.rows:
            _check_visitor(row.visitor)

    def _write_failure(self, part: Failure, result: scoring_pb2.ModelScores | scoring_pb2.ModelColumns) -> None:
        result.model = part.model
        result.failure.code = self._error_code(part.error)
        result.failure.message = str(part.error)[:LONGEST_FAILURE]


def _check_request(request_id: str, selectors: Sequence[scoring_pb2.Selector]) -> None:
    if len(request_id) > LONGEST_REQUEST_ID:
        raise InvalidRequest(f"request_id has {len(request_id)} characters; at most {LONGEST_REQUEST_ID} are taken")
    if len(selectors) > MOST_SELECTORS:
        raise InvalidRequest(f"the request has {len(selectors)} selectors; at most {MOST_SELECTORS} are taken")


def _check_visitor(visitor: scoring_pb2.Visitor) -> None:
    if len(visitor.id) > LONGEST_VISITOR_ID:
        raise InvalidRequest(f"visitor.id has {len(visitor.id)} characters; at most {LONGEST_VISITOR_ID} are taken")


def _part(snapshot: Snapshot, selector: scoring_pb2.Selector, features: Sequence[scoring_pb2.Features]) -> Part:
    """What the selector gets. A model that cannot answer is a part of its own; a wrong request raises."""
    try:
        served = snapshot.find(selector.model, selector.version if selector.HasField("version") else None)
        heads = _heads(served, selector.heads)
    except (UnknownModel, UnknownHead, NoModelReady) as error:
        return Failure(selector.model, error)
    return Answer(served, heads, served.reader.read(features))


def _heads(served: Served, names: Sequence[str]) -> tuple[Head, ...]:
    heads = served.model.description.heads
    unknown = [name for name in names if name not in heads]
    if unknown:
        raise UnknownHead(
            f"model {served.model.name!r} has no head {unknown[0][:64]!r}; its heads are {', '.join(heads)}"
        )
    return tuple(heads[name] for name in dict.fromkeys(names)) or tuple(heads.values())


def _answerable(parts: Sequence[Part]) -> tuple[Part, ...]:
    """The parts, when at least one of them can be answered; otherwise raises the first one's error."""
    failures = [part for part in parts if isinstance(part, Failure)]
    if len(failures) == len(parts):
        raise failures[0].error
    return tuple(parts)


def _with_scores(parts: Iterable[Part], scores: Iterable[FloatMatrix]) -> Iterator[tuple[Part, FloatMatrix]]:
    """Each part with the scores of its rows, none for a failure."""
    in_order = iter(scores)
    nothing = np.empty((0, 0), dtype=np.float32)
    for part in parts:
        yield part, nothing if isinstance(part, Failure) else next(in_order)


def _write_scores(part: Answer, scores: Sequence[float], result: scoring_pb2.ModelScores) -> None:
    model, block = part.served.model, part.block
    result.model, result.version = model.name, model.version
    for head in part.heads:
        head.write_scores(scores, result)
    result.feature_quality.missing = int(block.missing[0])
    result.feature_quality.out_of_range = int(block.out_of_range[0])
    result.feature_quality.remapped = block.remapped[0]
    _count(part)


def _write_columns(part: Answer, scores: FloatMatrix, result: scoring_pb2.ModelColumns) -> None:
    model, block = part.served.model, part.block
    result.model, result.version = model.name, model.version
    for head in part.heads:
        head.write_columns(scores, result)
    result.missing.extend(block.missing.tolist())
    result.out_of_range.extend(block.out_of_range.tolist())
    result.remapped.extend(block.remapped)
    _count(part)


def _count(part: Answer) -> None:
    counters, block = part.served.counters, part.block
    counters.rows.inc(len(block.rows))
    if True in block.remapped:
        counters.remapped.inc(sum(block.remapped))
    if not block.defaulted.any():
        return
    counters.missing.inc(int(block.missing.sum()))
    counters.out_of_range.inc(int(block.out_of_range.sum()))
    for counter, count in zip(counters.defaulted, block.defaulted.tolist(), strict=True):
        if count:
            counter.inc(count)
