"""Score and ScoreBatch: a request becomes rows, scores become a reply."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from protos.audience.v1 import scoring_pb2
from server import wire
from server.batches import PreparedBatch, check_scored, read_rows, shared
from server.copies import Copies, Drawn, draw
from server.errors import AudienceError, DeadlineTooShort, InvalidRequest
from server.even import Column
from server.plan import Failure, Part, Plans
from server.registry import Registry, Snapshot
from server.requests import Batch, Request, id_of, parse_batch, parse_score
from server.served import Held, Target
from server.templates import Templates
from server.transport.seam import AnyMethod, Method, Run

SERVICE = "audience.v1.Scoring"
LONGEST_REQUEST_ID = 128
LONGEST_VISITOR_ID = 256
LONGEST_FAILURE = 1000  # scoring.proto, Failure.message

_ANSWER_PRIOR = scoring_pb2.WHEN_LATE_ANSWER_PRIOR
_LATE = scoring_pb2.DEGRADATION_LATE

# scoring.proto: requests and replies, and ModelScores and ModelColumns, have these numbers in common.
_REQUEST_ID, _RESULTS = 1, 2
_MODEL, _FAILURE = 1, 3
_CODE, _MESSAGE = 1, 2
_ROWS = 12


@dataclass(slots=True, eq=False)  # made for every request; a frozen one takes three times as long (measured)
class Prepared:
    """A request, checked.

    Attributes:
        opening: what the reply begins with: the field `request_id`, as it came.
        parts: one for each selector.
        runs: one for each part that is a target.
        when_late: what the caller wants if there is no time.
        drawn: rows that a shadow scores as well.
    """

    opening: bytes
    parts: Sequence[Part]
    runs: Sequence[Run]
    when_late: int
    drawn: Sequence[Drawn]


class _Known:
    """What is known of requests to one snapshot, and nothing of others, whatever several threads do meanwhile."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.plans = Plans(snapshot)
        self.templates = Templates()


class Scoring:
    """The scoring methods.

    Args:
        registry: what serves.
        most_rows: the most rows of one batch.
        error_code: number of google.rpc.Code for an error that stands inside a reply.

    Attributes:
        copies: of requests, which wait for shadows; for a transport to work at when nobody waits.
    """

    def __init__(self, registry: Registry, *, most_rows: int, error_code: Callable[[AudienceError], int]) -> None:
        self.copies = Copies(registry)
        self._registry = registry
        self._known = _Known(registry.current)
        self._most_rows = most_rows
        self._error_code = error_code

    def methods(self) -> Sequence[AnyMethod]:
        """The methods, for a transport to register."""
        return (
            Method(f"/{SERVICE}/Score", self.prepare_score, self.finish_score, self.late_score, _score_id),
            Method(f"/{SERVICE}/ScoreBatch", self.prepare_batch, self.finish_batch, self.late_batch, _batch_id),
        )

    def prepare_score(self, message: bytes) -> Prepared:
        """The rows of one visitor, one for each selector; raises AudienceError as scoring.proto says."""
        known = self._current()
        template = known.templates.find(message)
        if template is not None:
            parts = template.plan.parts(message[template.visitor])
            part = parts[0]
            if isinstance(part, Target) and part.served.reader.fingerprint == template.fingerprint:
                run = Run(part.served, (template.row(message),))
                drawn = () if part.shadow is None else draw(part, run, (message[template.features],))
                return Prepared(message[template.request_id], parts, (run,), template.when_late, drawn)
        request = parse_score(message)
        opening = _opening(request)
        visitor = id_of(request.visitor)
        _check_id(visitor)
        plan = known.plans.find(request.selectors)
        parts, runs, drawn = plan.parts(visitor), list[Run](), list[Drawn]()
        for part, own in zip(parts, plan.own, strict=True):
            if isinstance(part, Target):
                features = request.features if own is None else own
                runs.append(Run(part.served, (part.served.reader.read(features),)))
                drawn += draw(part, runs[-1], (features,))
        if template is None:
            known.templates.learn(message, plan, parts[0], request.when_late)
        return Prepared(opening, parts, runs, request.when_late, drawn)

    def _current(self) -> "_Known":
        snapshot, known = self._registry.current, self._known
        if known.snapshot is not snapshot:
            known = self._known = _Known(snapshot)
        return known

    def prepare_batch(self, message: bytes) -> PreparedBatch:
        """The rows of many visitors, a block for each selector; raises AudienceError as scoring.proto says."""
        batch = parse_batch(message)
        request, features = batch.request, batch.features
        opening = _opening(request)
        self._check_rows(batch)
        plan = self._current().plans.find(request.selectors)
        if any(own is not None for own in plan.own):
            raise InvalidRequest("a selector of a batch has features; they belong in the rows")
        parts = list(shared(plan, batch.ids))
        runs, drawn = list[Run](), list[Drawn]()
        for part, rows in parts:
            if isinstance(part, Target):
                runs.append(Run(part.served, read_rows(part, features, rows)))
                drawn += draw(part, runs[-1], features if rows is None else [features[number] for number in rows])
        return PreparedBatch(opening, parts, runs, request.when_late, len(features), drawn)

    def _check_rows(self, batch: Batch) -> None:
        count = len(batch.features)
        if not 1 <= count <= self._most_rows:
            raise InvalidRequest(f"the batch has {count} rows; needed are 1 to {self._most_rows}")
        if not isinstance(batch.ids, Column):  # of which each is short
            for identifier in batch.ids:
                _check_id(identifier)

    def finish_score(self, prepared: Prepared) -> bytes:
        """The ScoreReply for one visitor."""
        _check_scored(prepared.runs)
        reply = self._reply(prepared, _encode_scores)
        if prepared.drawn:
            self.copies.keep(prepared.drawn)
        return reply

    def late_score(self, prepared: Prepared) -> bytes:
        """The ScoreReply that says what is known of anybody, if the caller wants it; otherwise raises."""
        _check_wants_prior(prepared.when_late)
        return self._reply(prepared, lambda target, _: target.encode_prior(_LATE))

    def _reply(self, prepared: Prepared, encode: Callable[[Target, Run], bytes]) -> bytes:
        first = prepared.parts[0]
        if len(prepared.parts) == 1 and isinstance(first, Target):  # as nearly always
            return prepared.opening + wire.field(_RESULTS, encode(first, prepared.runs[0]))
        reply, runs = [prepared.opening], iter(prepared.runs)
        for part in prepared.parts:
            if isinstance(part, Target):
                result = encode(part, next(runs))
            else:
                result = part.encode() if isinstance(part, Held) else self._encode_failure(part)
            reply.append(wire.field(_RESULTS, result))
        return b"".join(reply)

    def finish_batch(self, prepared: PreparedBatch) -> bytes:
        """The ScoreBatchReply for many visitors, in columns."""
        check_scored(prepared)
        reply = self._reply_batch(prepared, _encode_columns)
        if prepared.drawn:
            self.copies.keep(prepared.drawn)
        return reply

    def late_batch(self, prepared: PreparedBatch) -> bytes:
        """The ScoreBatchReply that says what is known of anybody, as late_score."""
        _check_wants_prior(prepared.when_late)
        return self._reply_batch(prepared, lambda target, run: target.encode_prior_columns(len(run.rows), _LATE))

    def _reply_batch(self, prepared: PreparedBatch, encode: Callable[[Target, Run], bytes]) -> bytes:
        reply, runs = [prepared.opening], iter(prepared.runs)
        for part, rows in prepared.parts:
            if isinstance(part, Target):
                result = encode(part, next(runs))
            elif isinstance(part, Held):
                result = part.encode_columns(prepared.row_count if rows is None else len(rows))
            else:
                result = self._encode_failure(part)
            told = b"" if rows is None else wire.wholes(_ROWS, np.array(rows))
            reply.append(wire.field(_RESULTS, result + told))
        return b"".join(reply)

    def _encode_failure(self, failure: Failure) -> bytes:
        message = str(failure.error)[:LONGEST_FAILURE]
        content = wire.whole(_CODE, self._error_code(failure.error)) + wire.text(_MESSAGE, message)
        return wire.text(_MODEL, failure.model) + wire.field(_FAILURE, content)


def _check_scored(runs: Sequence[Run]) -> None:
    """Raises what is wrong with the row of any of them, before anything is counted."""
    for run in runs:
        errors = run.scored.block.errors
        if errors is not None and run.first in errors:
            raise errors[run.first]


def _encode_scores(target: Target, run: Run) -> bytes:
    return target.encode(run.scored, run.first, is_remapped=run.rows[0].is_remapped)


def _encode_columns(target: Target, run: Run) -> bytes:
    return target.encode_columns(run.scored, run.first, run.rows)


def _opening(request: Request) -> bytes:
    request_id: str = request.request_id
    if len(request_id) > LONGEST_REQUEST_ID:
        raise InvalidRequest(f"request_id has {len(request_id)} characters; at most {LONGEST_REQUEST_ID} are taken")
    return wire.text(_REQUEST_ID, request_id)


def _check_id(identifier: bytes) -> None:
    if len(identifier) > LONGEST_VISITOR_ID and len(identifier.decode()) > LONGEST_VISITOR_ID:
        length = len(identifier.decode())
        raise InvalidRequest(f"visitor.id has {length} characters; at most {LONGEST_VISITOR_ID} are taken")


def _check_wants_prior(when_late: int) -> None:
    if when_late != _ANSWER_PRIOR:
        raise DeadlineTooShort("the deadline would have passed before the answer was ready")


def _score_id(message: bytes) -> str:
    return _request_id(parse_score, message)


def _batch_id(message: bytes) -> str:
    return _request_id(lambda batch: parse_batch(batch).request, message)


def _request_id(parse: Callable[[bytes], Request], message: bytes) -> str:
    try:
        return str(parse(message).request_id)[:LONGEST_REQUEST_ID]
    except InvalidRequest:
        return ""
