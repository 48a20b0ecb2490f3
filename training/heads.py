"""What a fitted head is to those who export, prove, judge and publish it, whatever method made it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from protos.audience.v1 import bundle_pb2
from training.export.nodes import Nodes
from training.features import Features
from training.segmentations.shaping import Shaping

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.int64]

Column = tuple[bundle_pb2.ColumnRole.ValueType, int]

SEGMENT = bundle_pb2.COLUMN_ROLE_SEGMENT
DISTANCE = bundle_pb2.COLUMN_ROLE_DISTANCE
MARGIN = bundle_pb2.COLUMN_ROLE_MARGIN
MEMBERSHIP = bundle_pb2.COLUMN_ROLE_MEMBERSHIP
PROBABILITY = bundle_pb2.COLUMN_ROLE_PROBABILITY
EXPECTED = bundle_pb2.COLUMN_ROLE_EXPECTED
CLASS = bundle_pb2.COLUMN_ROLE_CLASS

NO_SEGMENT = -1  # the position of who is in no segment


class Head(Protocol):
    """A fitted question: its answers in NumPy, and the same in ONNX."""

    @property
    def name(self) -> str:
        """As in bundle.proto."""
        ...

    @property
    def title(self) -> str:
        """What it answers, a phrase for people."""
        ...

    @property
    def columns(self) -> Sequence[Column]:
        """The roles of its columns of `scores`, with how many each has, in order."""
        ...

    def scores(self, features: Features) -> FloatArray:
        """What the estimators say of these visitors, shape (n, columns): the truth that the graph is compared with.

        Args:
            features: shape (n, schema width), without NaN.
        """
        ...

    def emit(self, nodes: Nodes, features: str) -> str:
        """Adds the head to a graph.

        Args:
            nodes: of the graph.
            features: name of the tensor float32 [rows, schema width].

        Returns:
            Name of a tensor float32 [rows, columns].
        """
        ...


@runtime_checkable
class Segmentation(Head, Protocol):
    """A head that puts each visitor into one segment, or none."""

    @property
    def count(self) -> int:
        """Number of segments: positions are 0 to count - 1, the largest first where there is no other order."""
        ...

    @property
    def has_outliers(self) -> bool:
        """Whether a visitor may be in no segment."""
        ...

    @property
    def shaping(self) -> Shaping:
        """Of the features that define it, by which segments are described."""
        ...

    @property
    def tried(self) -> Sequence[dict[str, float]]:
        """What each number of segments or setting gave, for the evaluation; empty where nothing was chosen."""
        ...

    def assign(self, features: Features) -> Labels:
        """Position of each visitor's segment, shape (n,), NO_SEGMENT for none."""
        ...


@dataclass(frozen=True, slots=True)
class Group:
    """Several segments of a hierarchy, or several of its groups, taken as one.

    Attributes:
        level: number of groups on its level.
        parent: position of the next larger group, None on the coarsest level.
    """

    level: int
    parent: int | None


@runtime_checkable
class Hierarchy(Segmentation, Protocol):
    """A segmentation whose segments are parts of larger groups: who is in a segment is in all that it is part of."""

    @property
    def groups(self) -> Sequence[Group]:
        """All levels above the segments, the coarsest first, and in each the largest first; none on one level."""
        ...

    @property
    def parents(self) -> Sequence[int]:
        """Position in `groups` of the smallest group of each segment; none on one level."""
        ...


@runtime_checkable
class Named(Segmentation, Protocol):
    """A segmentation whose writers say what its segments are called."""

    @property
    def names(self) -> Sequence[str]:
        """Name of each segment, by position, "" where one is to be found."""
        ...

    @property
    def keys(self) -> Sequence[str]:
        """Permanent key of each segment, by position, "" where one is to be issued."""
        ...


@runtime_checkable
class Approximation(Segmentation, Protocol):
    """A segmentation that is served by a simpler rule than it was fitted by."""

    @property
    def fidelity(self) -> float:
        """Share of the rows that it was fitted on which the rule puts where the fit put them, in [0, 1]."""
        ...


@dataclass(frozen=True, slots=True)
class Question:
    """What an outcome's head answers.

    Attributes:
        name: of the head.
        title: of the head, for people.
        horizon_days: how long the outcome is waited for.
        unit: of an amount, "" for an event.
    """

    name: str
    title: str
    horizon_days: int
    unit: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Tested:
    """What a head, or others fitted in the same way, said of rows that they were not fitted on.

    Attributes:
        rows: shape (m,), positions in the table.
        predicted: shape (m, columns of the head).
        actual: shape (m,), as in Table.outcomes.
        split: how the rows were kept apart, a phrase for people.
    """

    rows: npt.NDArray[np.int64]
    predicted: FloatArray
    actual: FloatArray
    split: str


@runtime_checkable
class Outcome(Head, Protocol):
    """A head that says how likely something is, or how much is expected."""

    @property
    def question(self) -> Question:
        """What is answered."""
        ...

    @property
    def evaluation(self) -> dict[str, object]:
        """How well it does on records that it was not fitted on."""
        ...


@runtime_checkable
class CheckedOutcome(Outcome, Protocol):
    """An outcome that says what it foretold, so that all else can be found from that."""

    @property
    def tested(self) -> Tested:
        """What it said of rows that it was not fitted on."""
        ...


@runtime_checkable
class Classified(Outcome, Protocol):
    """An outcome that says how likely each of several classes is."""

    @property
    def classes(self) -> Sequence[str]:
        """Their names, in the order of the columns; none where the head speaks of an event or an amount."""
        ...


def width(head: Head) -> int:
    """Number of columns of a head's scores."""
    return sum(count for _, count in head.columns)


def column(head: Head, role: bundle_pb2.ColumnRole.ValueType) -> int | None:
    """Where the first column of this role is in the head's scores, None when it has none."""
    first = 0
    for found, count in head.columns:
        if found == role:
            return first
        first += count
    return None
