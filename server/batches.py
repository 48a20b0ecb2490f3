"""A batch of visitors: what each of them gets, and their rows, before and after they are scored."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from server.copies import Drawn
from server.errors import InvalidRequest
from server.plan import Choice, Part, Plan
from server.rows import Row
from server.served import Target
from server.transport.seam import Run


@dataclass(slots=True, eq=False)  # made for every request, as scoring.Prepared
class PreparedBatch:
    """A request for many visitors, checked.

    Attributes:
        opening: as in scoring.Prepared.
        parts: at least one for each selector, with the rows that it is of; None for all of them.
        runs: one for each part that is a target.
        when_late: as in scoring.Prepared.
        row_count: rows of the request.
        drawn: as in scoring.Prepared.
    """

    opening: bytes
    parts: Sequence[tuple[Part, Sequence[int] | None]]
    runs: Sequence[Run]
    when_late: int
    row_count: int
    drawn: Sequence[Drawn]


def shared(plan: Plan, visitors: Sequence[bytes]) -> Iterator[tuple[Part, Sequence[int] | None]]:
    """What each selector gets, and which rows do; None for all of them."""
    for asked in plan.asked:
        if not isinstance(asked, Choice):
            yield asked, None
            continue
        rows: dict[Part, list[int]] = {}
        for number, visitor in enumerate(visitors):
            rows.setdefault(asked.of(visitor), []).append(number)
        for part, numbers in rows.items():
            yield part, None if len(rows) == 1 else numbers


def read_rows(target: Target, features: Sequence[bytes], rows: Sequence[int] | None) -> Sequence[Row]:
    """The rows of these visitors of a batch, all when none are named; an error names the one that it is of."""
    reader = target.served.reader
    try:
        return reader.read_all(features if rows is None else [features[number] for number in rows])
    except InvalidRequest:
        for number in range(len(features)) if rows is None else rows:
            try:
                reader.read(features[number])
            except InvalidRequest as error:
                raise _of_row(number, len(features), error) from None
        raise


def check_scored(prepared: PreparedBatch) -> None:
    """Raises what is wrong with a row, before anything is counted; names the first that is wrong."""
    runs = iter(prepared.runs)
    for part, rows in prepared.parts:
        if not isinstance(part, Target):
            continue
        run = next(runs)
        errors = run.scored.block.errors
        for number in range(len(run.rows)) if errors else ():
            if run.first + number in errors:
                row = number if rows is None else rows[number]
                raise _of_row(row, prepared.row_count, errors[run.first + number])


def _of_row(number: int, count: int, error: InvalidRequest) -> InvalidRequest:
    """The error, naming the row where there are several."""
    return error if count == 1 else InvalidRequest(f"rows[{number}]: {error}")
