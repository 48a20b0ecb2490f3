"""A load that goes on in a process of its own while something is done to the server, with an eye on every reply."""

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from loadtest import engine
from loadtest.errors import LoadtestError
from loadtest.load import Load, Recording
from loadtest.payloads import Payloads
from protos.audience.v1 import scoring_pb2
from tests.benchmarks import answers
from tests.benchmarks.errors import WrongAnswer
from tests.benchmarks.graph import Bundle
from tests.benchmarks.wire import score_request
from tests.benchmarks.witness import Replies, Witness, expected

_BEGUN = "begun"
_STOP = "stop"
_START_S = 60.0
_END_S = 30.0
_TWICE_ONE_OF = 4  # so many requests ask the model twice, for some heads each


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How much: requests per second in all, over so many connections, and what a request is given."""

    rate_hz: float
    connections: int = 16
    deadline_s: float = 1.0
    longest_s: float = 3600.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of a load, and what was in its replies."""

    recording: Recording
    replies: Replies


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
    spawn = multiprocessing.get_context("spawn")
    near, far = spawn.Pipe()
    process = spawn.Process(target=_send, args=(far, load), daemon=True)
    process.start()
    far.close()
    try:
        with near:
            said = _received(near, _START_S)
            if said != _BEGUN:
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


def _end(process: BaseProcess) -> None:
    process.join(_END_S if process.exitcode is None else 0)
    if process.is_alive():
        process.kill()
        process.join()


def _send(pipe: Connection, load: Load) -> None:
    """The process of its own: sends until it is told to stop, then hands over what it has seen."""
    has_begun = False

    def tell(_: object) -> None:
        nonlocal has_begun
        if not has_begun:
            has_begun = True
            pipe.send(_BEGUN)

    try:
        recording = engine.run(load, on_progress=tell, is_stopped=pipe.poll)
        if isinstance(load.judge, Witness):
            pipe.send(Seen(recording, load.judge.replies()))
    except LoadtestError as error:
        pipe.send(str(error))


def wait_until(due_s: float) -> None:
    """Sleeps until time.monotonic() says so."""
    time.sleep(max(0.0, due_s - time.monotonic()))
