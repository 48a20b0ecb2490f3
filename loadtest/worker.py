"""One of several processes that share a load: `python -m loadtest.worker FD`, started by `processes`."""

import sys
from multiprocessing.connection import Connection

from loadtest.errors import LoadtestError
from loadtest.flight import fly
from loadtest.load import Progress
from loadtest.processes import READY

PROGRESS_LOOKS = 12  # one in so many is told: 4 a second


def main(descriptor: int) -> int:
    """The exit code: 0 when the recording was handed over, 1 when the other side has gone."""
    with Connection(descriptor) as pipe:
        try:
            _work(pipe)
        except (EOFError, OSError):
            return 1
    return 0


def _work(pipe: Connection) -> None:
    load, share = pipe.recv()

    def start() -> int:
        pipe.send(READY)
        return int(pipe.recv())

    try:
        pipe.send(fly(load, share, start, _Watch(pipe)))
    except LoadtestError as error:
        pipe.send(error)


class _Watch:
    """Tells the other side where the run is, and listens to it."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._count = 0

    def __call__(self, progress: Progress, _now_ns: int) -> int | None:
        """When the run is to end, if that has been said.

        Raises:
            EOFError: the other side has gone.
        """
        if self._count % PROGRESS_LOOKS == 0:
            self._pipe.send(progress)
        self._count += 1
        return int(self._pipe.recv()) if self._pipe.poll() else None


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
