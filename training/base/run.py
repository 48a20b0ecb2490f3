"""A version run over a table of visitors, part by part on several threads, into files."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self
from urllib.parse import quote

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from server.bundle import Bundle
from server.model import Model, load_model
from training.base.audiences import Answers, Audience, BoolMatrix, answers_of
from training.base.rows import Read, check_columns, read_rows

PART_ROWS: Final = 1 << 16  # scored at once: a part and its scores stay below 100 MB at a thousand features (computed)
_RUN_ROWS: Final = 1 << 12  # of one call of ONNX Runtime
SCORES_FILE: Final = "scores"
_AHEAD = 2  # parts that wait for each thread


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """How everyone is scored.

    Attributes:
        visitor: the column that says who each row is about.
        top_percent: how many of a hundred visitors are the top of a propensity or a value.
        threads: that score.
        form: of the files, "parquet" or "csv".
    """

    visitor: str
    top_percent: float
    threads: int
    form: str


@dataclass(frozen=True, slots=True, eq=False)
class Done:
    """What was scored.

    Attributes:
        row_count: of the table.
        missing: features that were not known, in all rows together.
        out_of_range: features outside their range or vocabulary, in all rows together.
        audiences: all of them.
        sizes: members of each.
        overlaps: shape (audiences, audiences), how many are in both.
    """

    row_count: int
    missing: int
    out_of_range: int
    audiences: Sequence[Audience]
    sizes: Sequence[int]
    overlaps: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    columns: pa.Table
    members: BoolMatrix
    read: Read


def score_everyone(
    bundle: Bundle, table: ds.Dataset, folder: Path, order: Order, on_part: Callable[[int], object]
) -> Done:
    """Scores every row of a table; writes the scores, and the members of each audience.

    Args:
        bundle: the version, as read_bundle gave it.
        table: with a column for each feature that is known, and one of visitors.
        folder: gets scores.parquet, and audiences/<key>.parquet with the members (or .csv).
        order: how.
        on_part: is told of the number of rows after each part.

    Raises:
        BadTable: the table has not the columns that are needed.
        BadBundle: a server would refuse the version.
    """
    schema = bundle.description.schema
    check_columns(table.schema, schema, order.visitor)
    model = load_model(bundle, largest_batch=_RUN_ROWS)
    answers = answers_of(bundle.description, order.top_percent)
    audiences = [audience for answer in answers for audience in answer.audiences]
    tally = _Tally(len(audiences))
    needed = [order.visitor, *(f.name for f in schema.features if f.name in table.schema.names)]
    parts = table.to_batches(columns=list(dict.fromkeys(needed)), batch_size=PART_ROWS)

    def score(batch: pa.RecordBatch) -> _Part:
        return _score(model, answers, read_rows(batch, schema, order.visitor))

    with ExitStack() as stack:
        files = stack.enter_context(_Files(folder, order.form, audiences))
        pool = stack.enter_context(ThreadPoolExecutor(order.threads))
        for part in _in_order(pool, score, (one for one in parts if one.num_rows), order.threads * _AHEAD):
            files.write(part)
            tally.add(part)
            on_part(len(part.members))
    return tally.done(audiences)


def _score(model: Model, answers: Sequence[Answers], read: Read) -> _Part:
    runs = [model.run(read.features[i : i + _RUN_ROWS]) for i in range(0, len(read.features), _RUN_ROWS)]
    scores = np.concatenate(runs)
    columns = {name: column for answer in answers for name, column in answer.columns(scores).items()}
    quality = {"missing": pa.array(read.missing), "out_of_range": pa.array(read.out_of_range)}
    members = np.concatenate([answer.members(scores) for answer in answers], axis=1)
    return _Part(pa.table({"visitor": read.visitors, **columns, **quality}), members, read)


def _in_order(
    pool: ThreadPoolExecutor, score: Callable[[pa.RecordBatch], _Part], parts: Iterator[pa.RecordBatch], ahead: int
) -> Iterator[_Part]:
    """Each part's scores, in the table's order. So many are under way: memory does not grow with the table."""
    waiting: deque[Future[_Part]] = deque()
    for part in parts:
        waiting.append(pool.submit(score, part))
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


class _Tally:
    """Counts that grow with each part."""

    def __init__(self, audience_count: int) -> None:
        self._rows = self._missing = self._out_of_range = 0
        self._overlaps = np.zeros((audience_count, audience_count), np.int64)

    def add(self, part: _Part) -> None:
        """Counts one more part."""
        members = part.members.astype(np.float32)  # whole numbers up to a part's rows are exact
        self._overlaps += (members.T @ members).astype(np.int64)
        self._rows += len(members)
        self._missing += int(part.read.missing.sum())
        self._out_of_range += int(part.read.out_of_range.sum())

    def done(self, audiences: Sequence[Audience]) -> Done:
        """What was counted."""
        sizes = self._overlaps.diagonal().tolist()
        return Done(self._rows, self._missing, self._out_of_range, audiences, sizes, self._overlaps)


class _Files:
    """The files of one run, which are complete once it is left without an error."""

    def __init__(self, folder: Path, form: str, audiences: Sequence[Audience]) -> None:
        self._folder, self._form, self._audiences = folder, form, audiences
        self._writers: dict[Path, pq.ParquetWriter | pa_csv.CSVWriter] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        (self._folder / "audiences").mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def write(self, part: _Part) -> None:
        """Appends a part to every file."""
        self._append(self._folder / f"{SCORES_FILE}.{self._form}", part.columns)
        visitors = part.columns.select(["visitor"])
        for column, audience in enumerate(self._audiences):
            members = visitors.filter(pa.array(part.members[:, column]))
            self._append(self._folder / "audiences" / f"{quote(audience.key, safe='')}.{self._form}", members)

    def _append(self, path: Path, table: pa.Table) -> None:
        if self._form == "csv":
            table = pa.table({name: _plain(table[name]) for name in table.column_names})
        if path not in self._writers:
            make = pa_csv.CSVWriter if self._form == "csv" else pq.ParquetWriter
            self._writers[path] = self._stack.enter_context(make(str(path), table.schema))
        writer = self._writers[path]
        writer.write_table(table)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
