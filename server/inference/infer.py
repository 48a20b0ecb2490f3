"""ModelInfer: a tensor becomes rows, as those of Score do, and scores become tensors."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from server import wire
from server.errors import DeadlineTooShort, InvalidRequest
from server.inference.plan import Plan, Plans
from server.inference.requests import parse_infer
from server.inference.statistics import Statistics, Times
from server.inference.tensors import INPUT
from server.registry import Registry
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
        self._plans = Plans(registry.current, most_rows=most_rows)
        self.statistics = Statistics()

    def methods(self) -> Sequence[AnyMethod]:
        """The method, for a transport to register."""
        return (Method(f"/{SERVICE}/ModelInfer", self.prepare, self.finish, self.late, _id),)

    def prepare(self, message: bytes) -> Prepared:
        """The rows of the only input.

        Raises:
            AudienceError: the request is wrong, or nothing here can answer it.
        """
        began_ns = time.perf_counter_ns()
        request = parse_infer(message)
        plan = self._current().find(request)
        rows = _read(plan, plan.rows(request.numbers[0]))
        run = Run(plan.served, rows)
        return Prepared(plan, wire.text(_ID, request.id), (run,), began_ns, time.perf_counter_ns())

    def _current(self) -> Plans:
        snapshot, plans = self._registry.current, self._plans
        if plans.snapshot is not snapshot:
            plans = self._plans = Plans(snapshot, most_rows=self._most_rows)
        return plans

    def finish(self, prepared: Prepared) -> bytes:
        """The ModelInferResponse.

        Raises:
            InvalidRequest: a row cannot be scored. The text names the row and the feature.
        """
        scored_ns = time.perf_counter_ns()
        plan, run = prepared.plan, prepared.runs[0]
        model = plan.served.model
        version = model.name, model.version
        scored = run.scored
        if scored.block.errors is not None:
            try:
                _check(run, model.description.schema)
            except InvalidRequest:
                self.statistics.failed(version, scored_ns - prepared.began_ns)
                raise
        _count(run)
        reply = plan.model + prepared.id + _encode(plan, scored.matrix[run.first : run.first + plan.row_count])
        times = Times(prepared.began_ns, prepared.read_ns, scored_ns, time.perf_counter_ns())
        self.statistics.answered(version, scored, times, self._clock() // _NS_PER_MS)
        return reply

    def late(self, prepared: Prepared) -> bytes:
        """Nothing: the protocol has no words for an answer without scores.

        Raises:
            DeadlineTooShort: always.
        """
        raise DeadlineTooShort(f"the deadline would have passed before the {prepared.plan.row_count} rows were scored")


def _read(plan: Plan, features: Sequence[bytes]) -> Sequence[Row]:
    reader = plan.served.reader
    try:
        return reader.read_all(features)
    except InvalidRequest:
        for number, one in enumerate(features):
            try:
                reader.read(one)
            except InvalidRequest as error:
                raise _of_row(number, len(features), str(error)) from None
        raise


def _check(run: Run, schema: Schema) -> None:
    """Raises what is wrong with one of the rows, before anything is counted."""
    for number, row in enumerate(run.rows):
        error = run.scored.block.errors.get(run.first + number)
        if error is not None:
            raise _of_row(number, len(run.rows), _not_finite(row, schema) or str(error))


def _not_finite(row: Row, schema: Schema) -> str:
    """Which number of a row is not finite; "" when all are."""
    numbers = np.frombuffer(row.numbers, _FLOAT)
    columns = np.flatnonzero(~np.isfinite(numbers)).tolist()
    if not columns:
        return ""
    return f"column {columns[0]} ({schema.features[columns[0]].name}) is {numbers[columns[0]]}; send a finite number"


def _of_row(number: int, count: int, text: str) -> InvalidRequest:
    """The error, naming the row where there are several."""
    where = f"input {INPUT!r}" if count == 1 else f"input {INPUT!r}, row {number}"
    return InvalidRequest(f"{where}: {text}")


def _count(run: Run) -> None:
    counters, block = run.lane.counters, run.scored.block  # type: ignore[attr-defined]  # a Served is the lane
    counters.rows.inc(len(run.rows))
    remapped = sum([row.is_remapped for row in run.rows])
    if remapped:
        counters.remapped.inc(remapped)
    if block.defaulted is not None:
        own = slice(run.first, run.first + len(run.rows))
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
