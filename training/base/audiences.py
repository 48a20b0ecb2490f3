"""What each head says of many visitors, as columns that platforms read, and the audiences that it makes of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from protos.audience.v1 import bundle_pb2
from server.bundle import Description
from server.heads import Classes, FloatMatrix, Number, Segmentation
from server.percentiles import Percentiles

BoolMatrix = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Audience:
    """Visitors whom a platform can be given as a list.

    Attributes:
        key: of the segment or the group above it; else "<head>-top-<percent>" or "<head>-<class>".
        name: for people.
        head: of which head.
    """

    key: str
    name: str
    head: str


class Answers(Protocol):
    """One head's answers for many visitors."""

    @property
    def audiences(self) -> Sequence[Audience]:
        """Those that it makes."""
        ...

    def columns(self, scores: FloatMatrix) -> Mapping[str, pa.Array]:
        """By name, a value for each row of scores, shape (n, score_count)."""
        ...

    def members(self, scores: FloatMatrix) -> BoolMatrix:
        """Who is in which of its audiences, shape (n, audiences)."""
        ...


class SegmentAnswers:
    """Which segment each visitor is in, and which larger ones it is within. See Answers."""

    def __init__(self, head: Segmentation, message: bundle_pb2.Head) -> None:
        self._head, self._name = head, message.name
        everything = [*message.groups, *message.segments]
        self.audiences = [Audience(one.key, one.name, message.name) for one in everything]
        self._of_position = np.zeros((len(message.segments) + 1, len(everything)), np.bool_)  # the last: in none
        column = {one.key: i for i, one in enumerate(everything)}
        parents = {group.key: group.parent for group in message.groups}
        for position, segment in enumerate(message.segments):
            key, above = segment.key, segment.parent
            while key:
                self._of_position[position, column[key]] = True
                key, above = above, parents.get(above, "")

    def columns(self, scores: FloatMatrix) -> Mapping[str, pa.Array]:
        """Key and name, null for who is in none."""
        positions = pa.array(self._head.positions(scores), mask=scores[:, self._head.segment] < 0)
        return {
            self._name: pa.DictionaryArray.from_arrays(positions, pa.array(self._head.keys)),
            f"{self._name}_name": pa.DictionaryArray.from_arrays(positions, pa.array(self._head.names)),
        }

    def members(self, scores: FloatMatrix) -> BoolMatrix:
        """See Answers."""
        members: BoolMatrix = self._of_position[self._head.positions(scores)]
        return members


class ClassAnswers:
    """Which class is most likely, and how likely it is. See Answers."""

    def __init__(self, head: Classes, message: bundle_pb2.Head) -> None:
        self._head, self._name = head, message.name
        self.audiences = [
            Audience(f"{message.name}-{word}", f"{message.title or message.name}: {word}", message.name)
            for word in message.classes
        ]

    def columns(self, scores: FloatMatrix) -> Mapping[str, pa.Array]:
        """See Answers."""
        probabilities = scores[:, self._head.columns]
        words = pa.DictionaryArray.from_arrays(pa.array(probabilities.argmax(axis=1)), pa.array(self._head.words))
        return {self._name: words, f"{self._name}_probability": pa.array(probabilities.max(axis=1))}

    def members(self, scores: FloatMatrix) -> BoolMatrix:
        """See Answers."""
        best = scores[:, self._head.columns].argmax(axis=1)
        members: BoolMatrix = best[:, None] == np.arange(len(self._head.words))
        return members


class NumberAnswers:
    """How likely something is, or how much is expected, and where that stands among the training population.

    See Answers.
    """

    def __init__(self, head: Number, message: bundle_pb2.Head, top_percent: float) -> None:
        self._head, self._name, self._least = head, message.name, 100.0 - top_percent
        self._percentiles = Percentiles(message.distribution.quantiles) if message.HasField("distribution") else None
        key, name = f"{message.name}-top-{top_percent:g}", f"{message.title or message.name}: top {top_percent:g} %"
        self.audiences = [Audience(key, name, message.name)] if self._percentiles else []

    def columns(self, scores: FloatMatrix) -> Mapping[str, pa.Array]:
        """See Answers."""
        numbers = {self._name: pa.array(scores[:, self._head.column])}
        if self._percentiles is None:
            return numbers
        return {**numbers, f"{self._name}_percentile": pa.array(self._of(scores).astype(np.float32))}

    def members(self, scores: FloatMatrix) -> BoolMatrix:
        """See Answers."""
        if self._percentiles is None:
            return np.zeros((len(scores), 0), np.bool_)
        members: BoolMatrix = (self._of(scores) >= self._least)[:, None]
        return members

    def _of(self, scores: FloatMatrix) -> npt.NDArray[np.float64]:
        assert self._percentiles is not None
        return self._percentiles.of_all(scores[:, self._head.column].astype(np.float64))


def answers_of(description: Description, top_percent: float) -> list[Answers]:
    """One for each head of a version, in the manifest's order.

    Args:
        description: of the version.
        top_percent: how many of a hundred visitors are the top of a propensity or a value.
    """
    messages = {message.name: message for message in description.manifest.heads}
    found: list[Answers] = []
    for name, head in description.heads.items():
        match head:
            case Segmentation():
                found.append(SegmentAnswers(head, messages[name]))
            case Classes():
                found.append(ClassAnswers(head, messages[name]))
            case Number():
                found.append(NumberAnswers(head, messages[name], top_percent))
    return found
