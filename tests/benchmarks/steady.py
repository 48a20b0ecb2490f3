"""A load that goes on in a process of its own while something is done to the server, with an eye on every reply."""

import multiprocessing
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from multiprocessing.connection import Connection

from loadtest.load import Load
from loadtest.payloads import Payloads
from protos.audience.v1 import bundle_pb2, scoring_pb2
from tests.benchmarks import answers
from tests.benchmarks.errors import WrongAnswer
from tests.benchmarks.graph import Bundle
from tests.benchmarks.sender import BEGUN
from tests.benchmarks.wire import score_request
from tests.benchmarks.witness import Replies, Seen, Witness
from tests.house.project import ROOT

_STOP = "stop"
_START_S = 120.0
_END_S = 30.0
_TWICE_ONE_OF = 4  # so many requests ask the model twice, for some heads each


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How much: requests per second in all, over so many connections, and what a request is given."""

    rate_hz: float
    connections: int = 16
    deadline_s: float = 1.0
    longest_s: float = 3600.0


class Steady:
    """A load that goes on."""

    def __init__(self, pipe: Connection, bundles: Sequence[Bundle]) -> None:
        self._pipe = pipe
        self._bundles = bundles

    def end(self) -> Seen:
        """Ends the load, once what is in flight is answered. Once only.

        Raises:
            WrongAnswer: it had ended by itself, or a reply's details are not those of the version that it names.
        """
        self._pipe.send(_STOP)
        seen = _received(self._pipe, _END_S)
        if not isinstance(seen, Seen):
            raise WrongAnswer(f"the load ended with {seen!r}")
        self._look_closely(seen.replies)
        return seen

    def _look_closely(self, replies: Replies) -> None:
        """Compares every number of the replies that were kept, of those that answer all heads at once."""
        for reply in replies.kept:
            message = scoring_pb2.ScoreReply.FromString(reply)
            if len(message.results) != 1:
                continue
            (result,), row = message.results, int(message.request_id)
            bundle = self._bundles[(result.version - 1) % len(self._bundles)]
            for fault in answers.one_faults(bundle.manifest, result, bundle.scores[row]):
                raise WrongAnswer(f"row {row}, version {result.version}: {fault[:500]}")


@contextmanager
def steady(target: str, bundles: Sequence[Bundle], pace: Pace) -> Iterator[Steady]:
    """A load that has begun, on the cores of this thread. The process that sends it is ended with the context.

    Args:
        target: host:port of a server on which a version of the bundles' model serves.
        bundles: version n is the one with the number n - 1, and round again; the rows of the first are sent.
        pace: how much.

    Raises:
        WrongAnswer: the load did not begin; the text says why.
    """
    load = Load(
        target=target,
        payloads=Payloads("rows", requests(bundles[0])),
        duration_s=Fraction(pace.longest_s),
        rate_hz=Fraction(pace.rate_hz).limit_denominator(1000),
        connections=pace.connections,
        deadline_s=pace.deadline_s,
        judge=Witness([expected(bundle) for bundle in bundles]),
    )
    near, far = multiprocessing.Pipe()
    with far:
        command = [sys.executable, "-m", "tests.benchmarks.sender", str(far.fileno())]
        process = subprocess.Popen(command, pass_fds=[far.fileno()], cwd=ROOT)
    try:
        with near:
            near.send(load)
            said = _received(near, _START_S)
            if said != BEGUN:
                raise WrongAnswer(f"the load did not begin: {said}")
            yield Steady(near, bundles)
    finally:
        _end(process)


def requests(bundle: Bundle) -> tuple[bytes, ...]:
    """A Score for each row, which says the row's number; one of so many asks twice, for some heads each."""
    heads = [head.name for head in bundle.manifest.heads]
    made = []
    for row, features in enumerate(bundle.features):
        request = score_request(bundle, features)
        request.request_id = str(row)
        if row % _TWICE_ONE_OF == 0:
            request.selectors.add(model=bundle.manifest.model, heads=heads[1:])
            request.selectors[0].heads.append(heads[0])
        made.append(request.SerializeToString())
    return tuple(made)


def _received(pipe: Connection, seconds: float) -> object:
    """What the load says next; what went wrong, as text, when it says nothing."""
    try:
        if not pipe.poll(seconds):
            return f"nothing in {seconds:g} s"
        message: object = pipe.recv()
    except (EOFError, OSError) as error:
        return f"the end of its process: {error!r}"
    return message


def _end(process: subprocess.Popen[bytes]) -> None:
    """Waits for the process, whose pipe is closed; one that does not see it is killed."""
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def expected(bundle: Bundle) -> list[dict[str, float | str]]:
    """Each row's answer, from the estimators' scores."""
    found: list[dict[str, float | str]] = [{} for _ in bundle.scores]
    for head in bundle.manifest.heads:
        columns = {column.role: column.first for column in head.columns}
        keys = [segment.key for segment in head.segments]
        for answer, scores in zip(found, bundle.scores.tolist(), strict=True):
            if keys:
                answer[head.name] = keys[int(scores[columns[bundle_pb2.COLUMN_ROLE_SEGMENT]])]
            else:
                answer[head.name] = scores[columns[bundle_pb2.COLUMN_ROLE_PROBABILITY]]
    return found


def wait_until(due_s: float) -> None:
    """Sleeps until time.monotonic() says so."""
    time.sleep(max(0.0, due_s - time.monotonic()))
