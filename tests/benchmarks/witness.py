"""Looks into every reply of a load: is it an answer, of one version, with the scores of just that version."""

import time
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from google.protobuf.message import DecodeError

from loadtest.load import Recording
from loadtest.results import Status
from protos.audience.v1 import scoring_pb2

NO_VERSION = 0  # of a reply that is no answer
_KEEP_ONE_OF = 64
_TOLERANCE = 2e-5  # a looser one than training's, which a close look at the kept ones holds
_LONGEST_FAULT = 500

Numbers = npt.NDArray[np.int64]

# What a head says of a visitor: a probability, or the key of a segment.
Answer = Mapping[str, float | str]


@dataclass(frozen=True, slots=True)
class Replies:
    """What was seen in all replies, in the order in which they came.

    Attributes:
        times_ns: shape (n,), when each was looked at, by CLOCK_MONOTONIC.
        versions: shape (n,), which version answered, NO_VERSION where none did.
        mixed_count: replies with two versions, or with other scores than those of the version that they name.
        first_fault: what the first of those said, "" when there is none.
        kept: one of so many replies, as bytes, to be looked at closely.
    """

    times_ns: Numbers
    versions: Numbers
    mixed_count: int
    first_fault: str
    kept: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of a load, and what was in its replies."""

    recording: Recording
    replies: Replies


class Witness:
    """The judge of a load whose requests have the number of their row as `request_id`.

    Args:
        answers: what each row's answer is, by the number of a bundle; steady.expected makes them.
    """

    def __init__(self, answers: Sequence[Sequence[Answer]]) -> None:
        self._answers = tuple(answers)
        self._times_ns, self._versions = array("q"), array("q")
        self._mixed_count = 0
        self._first_fault = ""
        self._kept: list[bytes] = []

    def __call__(self, reply: bytes) -> Status:
        """OK for an answer of one version, with its scores."""
        try:
            message = scoring_pb2.ScoreReply.FromString(reply)
        except DecodeError:
            return self._note(NO_VERSION)
        if not message.results or any(result.HasField("failure") for result in message.results):
            return self._note(NO_VERSION)
        version = message.results[0].version
        fault = self._fault(message, version)
        if fault:
            self._mixed_count += 1
            self._first_fault = self._first_fault or fault[:_LONGEST_FAULT]
        if len(self._versions) % _KEEP_ONE_OF == 0:
            self._kept.append(reply)
        return self._note(version)

    def replies(self) -> Replies:
        """What was seen until now."""
        times_ns, versions = (np.array(column, np.int64) for column in (self._times_ns, self._versions))
        return Replies(times_ns, versions, self._mixed_count, self._first_fault, tuple(self._kept))

    def _note(self, version: int) -> Status:
        self._times_ns.append(time.monotonic_ns())
        self._versions.append(version)
        return Status.BAD_REPLY if version == NO_VERSION else Status.OK

    def _fault(self, message: scoring_pb2.ScoreReply, version: int) -> str:
        """What is wrong with the reply, "" for nothing."""
        answer = self._answers[(version - 1) % len(self._answers)][int(message.request_id)]
        for result in message.results:
            if result.version != version:
                return f"versions {version} and {result.version} in one reply"
            for name, propensity in result.propensities.items():
                wanted = answer[name]
                if isinstance(wanted, str) or abs(propensity.probability - wanted) > _TOLERANCE:
                    return (
                        f"row {message.request_id}, version {version}: {name} is {propensity.probability}, not {wanted}"
                    )
            for name, segment in result.segmentations.items():
                if segment.key != answer[name]:
                    return f"row {message.request_id}, version {version}: {name} is {segment.key}, not {answer[name]}"
        return ""
