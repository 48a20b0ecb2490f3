"""What a transport and a scoring method know of each other: a method is two steps around the run of the graphs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

RowT_contra = TypeVar("RowT_contra", contravariant=True)
ScoredT_co = TypeVar("ScoredT_co", covariant=True)


class Lane(Protocol[RowT_contra, ScoredT_co]):
    """Something that scores rows of several calls together, such as one version of a model."""

    def score(self, rows: Sequence[RowT_contra]) -> ScoredT_co:
        """What becomes of all the rows, in their order."""
        ...


@dataclass(slots=True, eq=False)
class Run:
    """Rows of one call for one lane. A transport puts the rows of several runs of the same lane together.

    Attributes:
        lane: what scores them.
        rows: at least one.
        scored: what the lane made of these and of others' rows, once it has.
        first: where in it these rows begin.
    """

    lane: Lane[Any, Any]
    rows: Sequence[Any]
    scored: Any = None
    first: int = 0


class Prepared(Protocol):
    """A request that needs nothing more but to be scored."""

    @property
    def runs(self) -> Sequence[Run]:
        """What has to be scored."""
        ...


PreparedT = TypeVar("PreparedT", bound=Prepared)


@dataclass(frozen=True, slots=True)
class Method(Generic[PreparedT]):
    """One method that scores. Its steps raise AudienceError for whatever the caller is to be told.

    Attributes:
        path: as gRPC has it, such as "/audience.v1.Scoring/Score".
        prepare: checks the bytes of a request and turns them into rows.
        finish: turns what became of the rows into the bytes of the reply. One thread at a time.
        late: the bytes of the reply to a request that cannot be scored in time. One thread at a time.
        request_id: the caller's name for the request in these bytes, for the log; never raises.
    """

    path: str
    prepare: Callable[[bytes], PreparedT]
    finish: Callable[[PreparedT], bytes]
    late: Callable[[PreparedT], bytes]
    request_id: Callable[[bytes], str]


AnyMethod = Method[Any]


class Spare(Protocol):
    """Work that nobody waits for: it is done after the replies, a piece at a time."""

    def __len__(self) -> int:
        """How much of it there is."""
        ...

    def work(self) -> None:
        """Does a small piece; never raises. One thread at a time, which may be another than the one that answers."""
        ...


def score(runs: Sequence[Run]) -> None:
    """Scores all runs, each lane's together."""
    if len(runs) == 1:  # as at low load: nothing to put together
        run = runs[0]
        run.scored = run.lane.score(run.rows)
        return
    lanes: dict[int, list[Run]] = {}
    for run in runs:
        lanes.setdefault(id(run.lane), []).append(run)
    for together in lanes.values():
        scored = together[0].lane.score([row for run in together for row in run.rows])
        first = 0
        for run in together:
            run.scored, run.first = scored, first
            first += len(run.rows)
