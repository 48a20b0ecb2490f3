"""ModelInfer: a tensor becomes rows, as those of Score do, and scores become tensors."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from server import wire
from server.errors import DeadlineTooShort, InvalidRequest
from server.inference.plan import Plan, Plans, of_row
from server.inference.requests import parse_infer
from server.inference.statistics import Statistics
from server.inference.templates import Templates
from server.registry import Registry, Snapshot
from server.rows import FloatMatrix, Row
from server.schema import Schema
from server.transport.seam import AnyMethod, Method, Run

SERVICE = "inference.GRPCInferenceService"
LONGEST_LOGGED_ID = 128

_ID = 3  # inference.proto, ModelInferResponse
_FLOAT = np.dtype("<f4")
_NS_PER_MS = 1_000_000


@dataclass(slots=True, eq=False)  # made for every request; a frozen one takes three times as long (measured)
class Prepared:
    """A request, checked.

    Attributes:
        plan: what it asks for.
        id: the reply's field `id`.
        runs: the one run of its rows.
        began_ns: when it was begun with.
        read_ns: when its rows were there.
    """

    plan: Plan
    id: bytes
    runs: tuple[Run]
    began_ns: int
    read_ns: int


class _Known:
    """What is known of requests to one snapshot, and nothing of others, whatever several threads do meanwhile."""

    def __init__(self, snapshot: Snapshot, statistics: Statistics, most_rows: int) -> None:
        self.snapshot = snapshot
        self.plans = Plans(snapshot, statistics, most_rows=most_rows)
        self.templates = Templates()


class Inference:
    """The method that scores.

    Args:
        registry: what serves.
        most_rows: the most rows of one request.
        clock: nanoseconds since 1970.

    Attributes:
        statistics: what it has done.
    """

    def __init__(self, registry: Registry, *, most_rows: int, clock: Callable[[], int] = time.time_ns) -> None:
        self._registry = registry
        self._most_rows = most_rows
        self._clock = clock
        self.statistics = Statistics()
        self._known = self._none_known()

    def methods(self) -> Sequence[AnyMethod]:
        """The method, for a transport to register."""
        return (Method(f"/{SERVICE}/ModelInfer", self.prepare, self.finish, self.late, _id),)

    def prepare(self, message: bytes) -> Prepared:
        """The rows of the only input.

        Raises:
            AudienceError: the request is wrong, or nothing here can answer it.
        """
        began_ns = time.perf_counter_ns()
        known = self._known
        if known.snapshot is not self._registry.current:
            known = self._known = self._none_known()
        template = known.templates.find(message)
        if template is not None:
            plan, name = template.plan, message[template.id_field]
            rows = plan.rows(message[template.numbers])
        else:
            request = parse_infer(message)
            plan, name = known.plans.find(request), wire.text(_ID, request.id)
            rows = plan.rows(request.numbers[0])
            if request.is_raw:
                known.templates.learn(message, plan)
        return Prepared(plan, name, (Run(plan.served, rows),), began_ns, time.perf_counter_ns())

    def _none_known(self) -> _Known:
        return _Known(self._registry.current, self.statistics, self._most_rows)

    def finish(self, prepared: Prepared) -> bytes:
        """The ModelInferResponse.

        Raises:
            InvalidRequest: a row cannot be scored. The text names the row and the feature.
        """
        scored_ns = time.perf_counter_ns()
        plan, run = prepared.plan, prepared.runs[0]
        scored, first, tally = run.scored, run.first, plan.tally
        if scored.block.errors is not None:
            try:
                _check(run, plan.served.model.description.schema)
            except InvalidRequest:
                tally.fail.add(scored_ns - prepared.began_ns)
                raise
        _count(plan, run)
        reply = plan.model + prepared.id + _encode(plan, scored.matrix[first : first + plan.row_count])
        tally.answered(scored, prepared.began_ns, prepared.read_ns, scored_ns, time.perf_counter_ns())
        tally.last_ms = self._clock() // _NS_PER_MS
        return reply

    def late(self, prepared: Prepared) -> bytes:
        """Nothing: the protocol has no words for an answer without scores.

        Raises:
            DeadlineTooShort: always.
        """
        raise DeadlineTooShort(f"the deadline would have passed before the {prepared.plan.row_count} rows were scored")


def _check(run: Run, schema: Schema) -> None:
    """Raises what is wrong with one of the rows, before anything is counted."""
    for number, row in enumerate(run.rows):
        error = run.scored.block.errors.get(run.first + number)
        if error is not None:
            raise of_row(number, len(run.rows), _not_finite(row, schema) or str(error))


def _not_finite(row: Row, schema: Schema) -> str:
    """Which number of a row is not finite; "" when all are."""
    numbers = np.frombuffer(row.numbers, _FLOAT)
    columns = np.flatnonzero(~np.isfinite(numbers)).tolist()
    if not columns:
        return ""
    return f"column {columns[0]} ({schema.features[columns[0]].name}) is {numbers[columns[0]]}; send a finite number"


def _count(plan: Plan, run: Run) -> None:
    counters, block = plan.served.counters, run.scored.block
    counters.rows.inc(plan.row_count)
    if not plan.is_own:
        counters.remapped.inc(plan.row_count)
    if block.defaulted is not None:
        own = slice(run.first, run.first + plan.row_count)
        counters.missing.inc(int(block.missing[own].sum()))
        counters.out_of_range.inc(int(block.out_of_range[own].sum()))
        counts = counters.default_counts
        np.add(counts, block.defaulted[own].sum(axis=0), out=counts)


def _encode(plan: Plan, scores: FloatMatrix) -> bytes:
    """The outputs that are asked for, from scores of shape (row_count, score_count)."""
    scores = scores.astype(_FLOAT, copy=False)
    parts = [plan.tensors]
    if len(scores) == 1:  # as mostly: the columns of one row are bytes of it
        row = scores.tobytes()
        for answer in plan.answers:
            parts += (answer.opening, row[answer.span])
    else:
        for answer in plan.answers:
            parts += (answer.opening, scores[:, answer.output.columns].tobytes())
    return b"".join(parts)


def _id(message: bytes) -> str:
    try:
        return parse_infer(message).id[:LONGEST_LOGGED_ID]
    except InvalidRequest:
        return ""
