"""The stream of results, all that a report knows of a run. Saved as one .npz, so a run can be reported again."""

import dataclasses
import enum
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from loadtest.errors import BadRecording, one_line

FORMAT_VERSION = 2
NEVER_NS = -1  # sent_ns of a request that was not sent, done_ns of one that did not end

Times = NDArray[np.int64]
Statuses = NDArray[np.int16]


class Status(enum.IntEnum):
    """How a request ended: gRPC's codes by their numbers, then what only the caller can see."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16
    # The server said OK, but the reply does not parse, has no results or has one with an error.
    BAD_REPLY = 100
    # The generator was too late to send it at all: its fault, not the server's.
    NOT_SENT = 101
    # Sent, and nothing came back before the run was closed.
    NOT_ANSWERED = 102


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a run was: what was asked for, and what became of the generator itself."""

    target: str
    source: str
    rate_hz: float  # asked for; 0 in a closed loop
    concurrency: int  # in flight on each connection in a closed loop; 0 in an open one
    duration_s: float
    warmup_s: float
    connections: int
    processes: int
    deadline_ms: float
    objectives: tuple[str, ...]
    started_ms: int  # since 1970-01-01T00:00:00Z
    window_ns: int  # from the start of what is measured to the end of the schedule, or of an interrupted run
    busy_share: float  # of the run that the (busiest) generator's thread was on a processor, in [0, 1]
    is_interrupted: bool
    reconnect_count: int  # connections that were opened in place of others
    troubles: dict[str, int]  # what connections met, and how often
    versions: dict[str, str]


@dataclass(frozen=True, slots=True)
class Results:
    """One entry for each request that was due, in the order of the schedule.

    Attributes:
        facts: what the run was.
        due_ns: when it was to be sent, int64, from the start of what is measured; in a closed loop, when it was sent.
        sent_ns: when it was handed to its connection, int64, or NEVER_NS.
        done_ns: when its end was seen, int64, or NEVER_NS.
        status: int16, a Status.
    """

    facts: Facts
    due_ns: Times
    sent_ns: Times
    done_ns: Times
    status: Statuses


def save(results: Results, path: Path) -> None:
    """Write the run to `path`, with exactly that name.

    Raises:
        BadRecording: the file cannot be written.
    """
    facts = json.dumps({"format_version": FORMAT_VERSION, **dataclasses.asdict(results.facts)})
    try:
        with path.open("wb") as file:
            np.savez_compressed(
                file,
                facts=np.array(facts),
                due_ns=results.due_ns,
                sent_ns=results.sent_ns,
                done_ns=results.done_ns,
                status=results.status,
            )
    except OSError as error:
        raise BadRecording(f"cannot write {path}: {error.strerror}") from error


def load(path: Path) -> Results:
    """Read a run that `save` wrote.

    Raises:
        BadRecording: there is no such file, or it is not a recorded run.
    """
    try:
        with path.open("rb") as file, open_arrays(file) as arrays:
            return _results(arrays)
    except OSError as error:
        raise BadRecording(f"cannot read {path}: {error.strerror or one_line(error)}") from error
    except (ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise BadRecording(f"{path} is not a recorded run (made by --out): {one_line(error)}") from error


def open_arrays(file: BinaryIO) -> Any:  # noqa: ANN401  # NumPy's NpzFile is generic in a way that its stubs leave open
    """The arrays of an .npz file, as a context manager.

    Raises:
        ValueError: it is none. Said here, because NumPy would take it for a pickle and advise to allow those.
    """
    if not zipfile.is_zipfile(file):
        raise ValueError("not an .npz file")
    file.seek(0)
    return np.load(file, allow_pickle=False)


def _results(arrays: Any) -> Results:  # noqa: ANN401  # as above
    results = Results(
        _facts(str(arrays["facts"])), arrays["due_ns"], arrays["sent_ns"], arrays["done_ns"], arrays["status"]
    )
    columns = (results.due_ns, results.sent_ns, results.done_ns, results.status)
    if any(column.ndim != 1 or column.dtype.kind != "i" or len(column) != len(results.due_ns) for column in columns):
        raise ValueError("its columns are not whole numbers of one length")
    if not np.isin(results.status, np.array(list(Status))).all():
        raise ValueError("it has a status that is not known here")
    return results


def _facts(text: str) -> Facts:
    values = json.loads(text)
    version = values.pop("format_version")
    if version != FORMAT_VERSION:
        raise ValueError(f"format {version}, this loadtest reads {FORMAT_VERSION}")
    return Facts(**{**values, "objectives": tuple(values["objectives"])})
