"""Score and ScoreBatch: a request becomes rows, scores become a reply."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from protos.audience.v1 import scoring_pb2
from server import wire
from server.errors import AudienceError, DeadlineTooShort, InvalidRequest
from server.plan import Failure, Part, Plans
from server.registry import Registry, Snapshot
from server.requests import Request, length_of_id, parse_batch, parse_score
from server.rows import Row
from server.served import Target
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


@dataclass(slots=True, eq=False)  # made for every request; a frozen one takes three times as long (measured)
class Prepared:
    """A request, checked.

    Attributes:
        opening: what the reply begins with: the field `request_id`, as it came.
        parts: one for each selector.
        runs: one for each part that is no failure.
        when_late: what the caller wants if there is no time.
    """

    opening: bytes
    parts: Sequence[Part]
    runs: Sequence[Run]
    when_late: int


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
    """

    def __init__(self, registry: Registry, *, most_rows: int, error_code: Callable[[AudienceError], int]) -> None:
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
            run = Run(template.served, (template.row(message),))
            return Prepared(message[template.request_id], template.plan.parts, (run,), template.when_late)
        request = parse_score(message)
        opening = _opening(request)
        _check_visitor(request.visitor)
        plan = known.plans.find(request.selectors)
        features = request.features
        runs = []
        for target, own in plan.targets:
            row = target.served.reader.read(features if own is None else own)
            runs.append(Run(target.served, (row,)))
        known.templates.learn(message, plan, request.when_late)
        return Prepared(opening, plan.parts, runs, request.when_late)

    def _current(self) -> "_Known":
        snapshot, known = self._registry.current, self._known
        if known.snapshot is not snapshot:
            known = self._known = _Known(snapshot)
        return known

    def prepare_batch(self, message: bytes) -> Prepared:
        """The rows of many visitors, a block for each selector; raises AudienceError as scoring.proto says."""
        request = parse_batch(message)
        opening = _opening(request)
        self._check_rows(request)
        plan = self._current().plans.find(request.selectors)
        if any(own is not None for _, own in plan.targets):
            raise InvalidRequest("a selector of a batch has features; they belong in the rows")
        features = [row.features for row in request.rows]
        runs = [Run(target.served, _read_rows(target, features)) for target, _ in plan.targets]
        return Prepared(opening, plan.parts, runs, request.when_late)

    def _check_rows(self, request: Request) -> None:
        if not 1 <= len(request.rows) <= self._most_rows:
            raise InvalidRequest(f"the batch has {len(request.rows)} rows; needed are 1 to {self._most_rows}")
        for row in request.rows:
            _check_visitor(row.visitor)

    def finish_score(self, prepared: Prepared) -> bytes:
        """The ScoreReply for one visitor."""
        _check_scored(prepared.runs)
        return self._reply(prepared, _encode_scores)

    def finish_batch(self, prepared: Prepared) -> bytes:
        """The ScoreBatchReply for many visitors, in columns."""
        _check_scored(prepared.runs)
        return self._reply(prepared, _encode_columns)

    def late_score(self, prepared: Prepared) -> bytes:
        """The ScoreReply that says what is known of anybody, if the caller wants it; otherwise raises."""
        _check_wants_prior(prepared)
        return self._reply(prepared, lambda target, _: target.encode_prior(_LATE))

    def late_batch(self, prepared: Prepared) -> bytes:
        """The ScoreBatchReply of the same."""
        _check_wants_prior(prepared)
        return self._reply(prepared, lambda target, run: target.encode_prior_columns(len(run.rows), _LATE))

    def _reply(self, prepared: Prepared, encode: Callable[[Target, Run], bytes]) -> bytes:
        first = prepared.parts[0]
        if len(prepared.parts) == 1 and isinstance(first, Target):  # as nearly always
            return prepared.opening + wire.field(_RESULTS, encode(first, prepared.runs[0]))
        reply = [prepared.opening]
        runs = iter(prepared.runs)
        for part in prepared.parts:
            result = self._encode_failure(part) if isinstance(part, Failure) else encode(part, next(runs))
            reply.append(wire.field(_RESULTS, result))
        return b"".join(reply)

    def _encode_failure(self, failure: Failure) -> bytes:
        message = str(failure.error)[:LONGEST_FAILURE]
        content = wire.whole(_CODE, self._error_code(failure.error)) + wire.text(_MESSAGE, message)
        return wire.text(_MODEL, failure.model) + wire.field(_FAILURE, content)


def _check_scored(runs: Sequence[Run]) -> None:
    """Raises what is wrong with a row of any of them, before anything is counted."""
    for run in runs:
        errors = run.scored.block.errors
        if errors is None:
            continue
        for number in range(len(run.rows)):
            if run.first + number in errors:
                raise _of_row(number, len(run.rows), errors[run.first + number])


def _encode_scores(target: Target, run: Run) -> bytes:
    return target.encode(run.scored, run.first, is_remapped=run.rows[0].is_remapped)


def _encode_columns(target: Target, run: Run) -> bytes:
    return target.encode_columns(run.scored, run.first, run.rows)


def _read_rows(target: Target, features: Sequence[bytes]) -> Sequence[Row]:
    reader = target.served.reader
    try:
        return reader.read_all(features)
    except InvalidRequest:
        for number, one in enumerate(features):
            try:
                reader.read(one)
            except InvalidRequest as error:
                raise _of_row(number, len(features), error) from None
        raise


def _of_row(number: int, count: int, error: InvalidRequest) -> InvalidRequest:
    """The error, naming the row where there are several."""
    return error if count == 1 else InvalidRequest(f"rows[{number}]: {error}")


def _opening(request: Request) -> bytes:
    request_id: str = request.request_id
    if len(request_id) > LONGEST_REQUEST_ID:
        raise InvalidRequest(f"request_id has {len(request_id)} characters; at most {LONGEST_REQUEST_ID} are taken")
    return wire.text(_REQUEST_ID, request_id)


def _check_visitor(visitor: bytes) -> None:
    length = length_of_id(visitor)
    if length > LONGEST_VISITOR_ID:
        raise InvalidRequest(f"visitor.id has {length} characters; at most {LONGEST_VISITOR_ID} are taken")


def _check_wants_prior(prepared: Prepared) -> None:
    if prepared.when_late != _ANSWER_PRIOR:
        raise DeadlineTooShort("the deadline would have passed before the answer was ready")


def _score_id(message: bytes) -> str:
    return _request_id(parse_score, message)


def _batch_id(message: bytes) -> str:
    return _request_id(parse_batch, message)


def _request_id(parse: Callable[[bytes], Request], message: bytes) -> str:
    try:
        return str(parse(message).request_id)[:LONGEST_REQUEST_ID]
    except InvalidRequest:
        return ""
