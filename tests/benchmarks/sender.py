"""The process of its own that sends a steady load: python -m tests.benchmarks.sender FD, started by `steady`.

It begins fast, since it knows neither the training nor its libraries.
"""

import sys
from multiprocessing.connection import Connection

from loadtest import engine
from loadtest.errors import LoadtestError
from loadtest.load import Load, Progress
from tests.benchmarks.processor import undisturbed
from tests.benchmarks.witness import Seen, Witness

BEGUN = "begun"


def send(pipe: Connection) -> None:
    """Takes a load, whose judge is a Witness, says BEGUN, sends until it hears something, and says what it has Seen.

    Says what was wrong, as text, when it cannot.
    """
    load: Load = pipe.recv()
    has_begun = False

    def tell(_: Progress) -> None:
        nonlocal has_begun
        if not has_begun:
            has_begun = True
            pipe.send(BEGUN)

    try:
        with undisturbed():
            recording = engine.run(load, on_progress=tell, is_stopped=pipe.poll)
    except LoadtestError as error:
        pipe.send(str(error))
        return
    if isinstance(load.judge, Witness):
        pipe.send(Seen(recording, load.judge.replies()))


def main(descriptor: int) -> int:
    """The exit status: 0 when all was said, 1 when the other side has gone."""
    with Connection(descriptor) as pipe:
        try:
            send(pipe)
        except (EOFError, OSError):
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
