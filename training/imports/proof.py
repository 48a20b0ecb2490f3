"""The checks that a version is made of: the wrapped graph answers as the original, and its answers can be meant."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from protos.audience.v1 import bundle_pb2
from server.model import INPUT, OUTPUT, open_graph
from training.export.parity import ABSOLUTE_TOLERANCE, Evidence
from training.features import Features
from training.imports.original import NotImportable
from training.imports.parts import HeadParts
from training.imports.rows import Rows

_SAME_TOLERANCE = 1e-6  # of the same rows in the same batch, absolute and relative
_SUM_TOLERANCE = 1e-3
_REFERENCE_ROWS = 64


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a score may be from another, and what the two are."""

    size: float
    one: str
    other: str


def prove(graph: bytes, heads: Sequence[HeadParts], rows: Rows, expected: Features, *, is_single: bool) -> Evidence:
    """Compares the wrapped graph with the original's outputs, and with itself row by row.

    Args:
        graph: as a server will run it.
        heads: in the order of their columns.
        rows: real ones or drawn ones, then those at the edges.
        expected: shape (n, score_count), what the heads are by the original's outputs.
        is_single: whether the original took one row at a time, so that batches of it are something new.

    Raises:
        NotImportable: a difference, or a score that means nothing. The text names the head, and what would be right.
    """
    for head, columns in _columns(heads):
        _check_meaning(head, expected[:, columns])
    session = open_graph(graph)
    try:
        actual = session.run([OUTPUT], {INPUT: rows.values})[0]
        chosen = _reference(heads, expected, rows.real_count)
        reference = rows.values[chosen]
        batch = session.run([OUTPUT], {INPUT: reference})[0]
        single = np.concatenate([session.run([OUTPUT], {INPUT: row[None]})[0] for row in reference])
    except Exception as error:  # ONNX Runtime's errors share no narrower class
        raise NotImportable(_unrunnable(str(error), is_single=is_single)) from error
    size = ABSOLUTE_TOLERANCE if is_single else _SAME_TOLERANCE
    same = Tolerance(size, "the wrapped graph", "the original")
    alone = Tolerance(ABSOLUTE_TOLERANCE, "several rows at once", "the same row alone")
    largest = {}
    for head, columns in _columns(heads):
        largest[head.order.name] = _compare(head, actual[:, columns], expected[:, columns], same)
        _compare(head, batch[:, columns], single[:, columns], alone)
    drawn = len(rows.values) - rows.real_count
    return Evidence(rows.real_count, drawn, largest, reference, expected[chosen])


def _unrunnable(said: str, *, is_single: bool) -> str:
    if not is_single:
        return f"ONNX Runtime cannot run the wrapped graph: {said}"
    return (
        "the graph is made for one row at a time and cannot run several; export it with a dynamic first dimension, "
        f"such as dynamic_axes in torch.onnx.export. ONNX Runtime says: {said}"
    )


def _columns(heads: Sequence[HeadParts]) -> list[tuple[HeadParts, slice]]:
    ends = np.cumsum([head.width for head in heads])
    return [(head, slice(int(end) - head.width, int(end))) for head, end in zip(heads, ends, strict=True)]


def _compare(head: HeadParts, one: Features, other: Features, tolerance: Tolerance) -> float:
    """The largest difference."""
    if one.shape != other.shape:
        raise NotImportable(f"head {head.order.name!r}: {tolerance.one} has the shape {one.shape}, not {other.shape}")
    difference = np.abs(one.astype(np.float64) - other)
    wrong = np.argwhere(~(difference <= tolerance.size * (1 + np.abs(other))))
    if len(wrong):
        row, column = wrong[0]
        raise NotImportable(
            f"head {head.order.name!r}: {tolerance.one} and {tolerance.other} should give the same, within "
            f"{tolerance.size:g}; {len(np.unique(wrong[:, 0]))} of {len(one)} rows differ, first row {row}, column "
            f"{column}: {one[row, column]:.9g} and {other[row, column]:.9g}. Look for what depends on the other rows, "
            "such as a number of rows or a statistic of the batch that was exported with the graph"
        )
    return float(difference.max())


def _check_meaning(head: HeadParts, scores: Features) -> None:
    first = 0
    for part in head.parts:
        values = scores[:, first : first + part.width]
        _check_finite(head, values)
        match part.role:
            case bundle_pb2.COLUMN_ROLE_SEGMENT:
                _check_positions(head, values)
            case bundle_pb2.COLUMN_ROLE_PROBABILITY | bundle_pb2.COLUMN_ROLE_MEMBERSHIP:
                _check_shares(head, values)
            case bundle_pb2.COLUMN_ROLE_DISTANCE | bundle_pb2.COLUMN_ROLE_MARGIN:
                _refuse(head, values < 0, values, "a distance or a margin is at least 0")
        first += part.width


def _check_finite(head: HeadParts, values: Features) -> None:
    _refuse(head, ~np.isfinite(values), values, "a score is a finite number; look at the range of the features")


def _check_positions(head: HeadParts, values: Features) -> None:
    count = len(head.order.segments)
    labels = [segment.label for segment in head.order.segments if segment.label is not None]
    wrong = (values < 0) | (values >= count) | (values != np.floor(values))
    if labels:
        text = f"every row's label must be one of those in the file, {labels}; -1 is a label that is not among them"
    else:
        text = f"a segment is a whole number from 0 to {count - 1}; if the graph gives labels, say them: label = …"
    _refuse(head, wrong, values, text)


def _check_shares(head: HeadParts, values: Features) -> None:
    text = 'a probability lies in [0, 1]; if the output is a logit, write apply = "sigmoid" or apply = "softmax"'
    _refuse(head, (values < 0) | (values > 1), values, text)
    if head.order.kind == "segmentation":
        sums = values.sum(axis=1, keepdims=True)
        _refuse(head, np.abs(sums - 1) > _SUM_TOLERANCE, sums, "a row's memberships have the sum 1")


def _refuse(
    head: HeadParts, wrong: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], values: Features, text: str
) -> None:
    found = np.argwhere(wrong)
    if len(found):
        row, column = found[0]
        raise NotImportable(
            f"head {head.order.name!r}: {len(np.unique(found[:, 0]))} of {len(values)} rows are wrong, the first, row "
            f"{row}, with {values[row, column]:g}; {text}"
        )


def _reference(
    heads: Sequence[HeadParts], expected: Features, real_count: int
) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Rows to keep in the bundle: half real, half at the edges, none so near a border that either segment is right."""
    near = np.zeros(len(expected), dtype=bool)
    first = 0
    for part in (part for head in heads for part in head.parts):
        if part.role == bundle_pb2.COLUMN_ROLE_MARGIN:
            near |= expected[:, first] <= ABSOLUTE_TOLERANCE
        first += part.width
    sure = np.flatnonzero(~near) if not near.all() else np.arange(len(expected))
    half = _REFERENCE_ROWS // 2
    return np.concatenate([_spread(sure[sure < real_count], half), _spread(sure[sure >= real_count], half)])


def _spread(rows: np.ndarray[tuple[int], np.dtype[np.intp]], count: int) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    return rows[np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(np.intp)]
