"""Which columns of `scores` each head has, and how each follows from the graph's outputs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from protos.audience.v1 import bundle_pb2
from training.features import Features
from training.imports.expressions import Best, BestValue, Expression, Gap, Labelled, Numbers, OneColumn, Taken
from training.imports.heads import HeadOrder, Pick
from training.imports.original import NotImportable, Original, Outputs, describe

_SEQUENCES = (
    "is a {kind}, which is no matrix. It comes from ZipMap: convert without it, with "
    'options={{"zipmap": False}} in skl2onnx or zipmap=False in onnxmltools'
)
_PAIR = 2


@dataclass(frozen=True, slots=True)
class Part:
    """Neighbouring columns of `scores` with one role.

    Attributes:
        role: what they are.
        expression: how they follow from the outputs.
        width: how many.
    """

    role: "bundle_pb2.ColumnRole.ValueType"
    expression: Expression
    width: int


@dataclass(frozen=True, slots=True)
class HeadParts:
    """A head with its parts, in the order of their columns."""

    order: HeadOrder
    parts: tuple[Part, ...]

    @property
    def width(self) -> int:
        """Number of columns."""
        return sum(part.width for part in self.parts)

    def scores(self, outputs: Outputs) -> Features:
        """The head's columns from the graph's own outputs, shape (n, width)."""
        return np.concatenate([part.expression.value(outputs) for part in self.parts], axis=1)


def outputs_of(original: Original, heads: Sequence[HeadOrder]) -> list[str]:
    """Names of the outputs that the heads want, each once.

    Raises:
        NotImportable: the graph has no such output, or it is no tensor.
    """
    known = {one.name: one for one in original.proto.graph.output}
    wanted = {pick.output: head.name for head in heads for pick in head.picks.values()}
    for name, head in wanted.items():
        if name not in known:
            said = "; ".join(f"{one!r} is {describe(known[one])}" for one in known)
            raise NotImportable(f"head {head!r} is to be the output {name!r}, which the graph does not have: {said}")
        if not known[name].type.HasField("tensor_type"):
            text = _SEQUENCES.format(kind=describe(known[name]))
            raise NotImportable(f"head {head!r}: the output {name!r} {text}")
    return list(wanted)


def parts_of(heads: Sequence[HeadOrder], outputs: Outputs, rows: int) -> list[HeadParts]:
    """Every head's parts.

    Args:
        heads: in the order of their columns.
        outputs: of so many rows, which show the shapes.
        rows: how many, at least 2.

    Raises:
        NotImportable: an output has another shape or type than a head needs. The text names the head.
    """
    return [HeadParts(head, tuple(_parts(head, outputs, rows))) for head in heads]


def _parts(head: HeadOrder, outputs: Outputs, rows: int) -> Iterator[Part]:
    if head.kind != "segmentation":
        role = bundle_pb2.COLUMN_ROLE_PROBABILITY if head.kind == "propensity" else bundle_pb2.COLUMN_ROLE_EXPECTED
        yield Part(role, _single(head, head.picks["number"], outputs, rows), 1)
        return
    count = len(head.segments)
    many = {
        name: _numbers(head, _take(head, head.picks[name], outputs, rows, count), head.picks[name], outputs)
        for name in ("memberships", "distances")
        if name in head.picks
    }
    yield Part(bundle_pb2.COLUMN_ROLE_SEGMENT, _segment(head, many, outputs, rows), 1)
    yield from _distance_and_margin(head, many, outputs, rows)
    if "memberships" in many:
        yield Part(bundle_pb2.COLUMN_ROLE_MEMBERSHIP, many["memberships"], count)


def _segment(head: HeadOrder, many: dict[str, Expression], outputs: Outputs, rows: int) -> Expression:
    if "segment" not in head.picks:
        is_smallest = "memberships" not in many
        return Best(many["distances" if is_smallest else "memberships"], is_smallest)
    pick = head.picks["segment"]
    taken = _take(head, pick, outputs, rows, 1)
    labels = [segment.label for segment in head.segments if segment.label is not None]
    is_text = outputs[pick.output].dtype.kind in "OUS"
    if labels and isinstance(labels[0], str) != is_text:
        raise NotImportable(
            f"head {head.name!r}: the output {pick.output!r} gives {'texts' if is_text else 'numbers'}, but its "
            f"segments' labels are {labels}"
        )
    if labels:
        return Labelled(taken, labels)
    return _numbers(head, taken, pick, outputs)


def _distance_and_margin(head: HeadOrder, many: dict[str, Expression], outputs: Outputs, rows: int) -> Iterator[Part]:
    """What is given as such, else what follows from distances or memberships."""
    if "distance" in head.picks:
        yield Part(bundle_pb2.COLUMN_ROLE_DISTANCE, _single(head, head.picks["distance"], outputs, rows), 1)
    elif "distances" in many:
        yield Part(bundle_pb2.COLUMN_ROLE_DISTANCE, BestValue(many["distances"], is_smallest=True), 1)
    if "margin" in head.picks:
        yield Part(bundle_pb2.COLUMN_ROLE_MARGIN, _single(head, head.picks["margin"], outputs, rows), 1)
    elif many and len(head.segments) >= _PAIR:
        is_smallest = "distances" in many
        best = many["distances" if is_smallest else "memberships"]
        yield Part(bundle_pb2.COLUMN_ROLE_MARGIN, Gap(best, is_smallest), 1)


def _single(head: HeadOrder, pick: Pick, outputs: Outputs, rows: int) -> Expression:
    if pick.applied != "softmax" or not pick.columns:
        return _numbers(head, _take(head, pick, outputs, rows, 1), pick, outputs)
    width = outputs[pick.output].size // rows
    _take(head, pick, outputs, rows, 1)
    whole = _take(head, Pick(pick.output, (), ""), outputs, rows, width)
    return OneColumn(_numbers(head, whole, pick, outputs), pick.columns[0], width)


def _numbers(head: HeadOrder, taken: Taken, pick: Pick, outputs: Outputs) -> Expression:
    if outputs[pick.output].dtype.kind in "OUS":
        raise NotImportable(
            f"head {head.name!r}: the output {pick.output!r} gives texts; give each segment its label, such as "
            f"label = {str(outputs[pick.output].ravel()[0])!r}, or take an output of numbers"
        )
    return Numbers(taken, pick.applied)


def _take(head: HeadOrder, pick: Pick, outputs: Outputs, rows: int, count: int) -> Taken:
    """The picked columns, so many."""
    shape = outputs[pick.output].shape
    if len(shape) not in {1, 2} or shape[0] != rows:
        raise NotImportable(
            f"head {head.name!r}: for {rows} rows the output {pick.output!r} has the shape {list(shape)}; needed is "
            f"[{rows}] or [{rows}, columns]"
        )
    width = shape[1] if len(shape) == _PAIR else 1
    columns = pick.columns or tuple(range(width))
    if max(columns, default=0) >= width:
        raise NotImportable(
            f"head {head.name!r}: the output {pick.output!r} has {width} columns, from 0 to {width - 1}; "
            f"the file says {list(columns)}"
        )
    if len(columns) != count:
        key = "column" if count == 1 else "columns"
        raise NotImportable(
            f"head {head.name!r} takes {count} of the {width} columns of the output {pick.output!r}, one for each "
            f"{'number' if count == 1 else 'segment'}, but gets {len(columns)}; say which with {key} = …"
        )
    return Taken(pick.output, shape[1:], columns)
