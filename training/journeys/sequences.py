"""What each visitor did, in order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

Positions = npt.NDArray[np.int64]

Event = tuple[int, str]  # milliseconds since 1970, and a word for what was done


@dataclass(frozen=True, slots=True, eq=False)
class Sequences:
    """Events of visitors, one visitor after the other, each in the order of time.

    Attributes:
        vocabulary: the words, sorted.
        starts: shape (n + 1,), where each visitor's events begin, and the number of all events.
        times_ms: shape (m,), int64.
        words: shape (m,), positions in the vocabulary.
    """

    vocabulary: tuple[str, ...]
    starts: Positions
    times_ms: Positions
    words: Positions

    @classmethod
    def of(cls, sequences: Sequence[Sequence[Event]]) -> Self:
        """The events of visitors, one sequence for each; events of the same moment stay in their order."""
        ordered = [sorted(events, key=lambda event: event[0]) for events in sequences]
        vocabulary = sorted({word for events in ordered for _, word in events})
        codes = {word: code for code, word in enumerate(vocabulary)}
        return cls(
            vocabulary=tuple(vocabulary),
            starts=np.cumsum([0, *map(len, ordered)], dtype=np.int64),
            times_ms=np.array([time for events in ordered for time, _ in events], dtype=np.int64),
            words=np.array([codes[word] for events in ordered for _, word in events], dtype=np.int64),
        )

    def __len__(self) -> int:
        """Number of visitors."""
        return len(self.starts) - 1

    @property
    def owners(self) -> Positions:
        """Whose each event is, shape (m,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    def where(self, visitors: npt.NDArray[np.bool_]) -> Self:
        """Some of the visitors, by a mask of shape (n,), in their order."""
        kept = visitors[self.owners]
        starts = np.cumsum([0, *np.diff(self.starts)[visitors].tolist()], dtype=np.int64)
        return type(self)(self.vocabulary, starts, self.times_ms[kept], self.words[kept])
