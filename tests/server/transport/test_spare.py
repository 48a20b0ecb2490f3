"""Work that nobody waits for: it never keeps a reply."""

import threading
from collections.abc import Callable, Sequence

import pytest

from tests.server.transport import traces
from tests.server.transport.conftest import PATIENCE_S, Ask
from tests.server.transport.stub import Lane

ENDLESS = 1 << 60


class Pieces:
    """Spare work, a piece at a time.

    Attributes:
        left: pieces that wait.
        done: pieces that began.
        doing: what a piece does.
    """

    def __init__(self) -> None:
        self.left = self.done = 0
        self.doing: Callable[[], object] = lambda: None

    def __len__(self) -> int:
        return self.left

    def work(self) -> None:
        """See seam.Spare."""
        self.left -= 1
        self.done += 1
        self.doing()


class Busy(Lane):
    """Leaves so many pieces behind each run."""

    def __init__(self, pieces: Pieces, count: int) -> None:
        super().__init__()
        self._pieces = pieces
        self._count = count

    def score(self, rows: Sequence[bytes]) -> list[bytes]:
        """See seam.Lane."""
        scored = super().score(rows)
        self._pieces.left += self._count
        return scored


@pytest.fixture
def pieces() -> Pieces:
    """The work."""
    return Pieces()


@pytest.fixture
def lane(pieces: Pieces) -> Lane:
    """Three pieces for each call."""
    return Busy(pieces, 3)


def test_after_the_reply(ask: Ask, pieces: Pieces) -> None:
    """The reply is with its client before the work begins that it left behind: work that waits for it ends."""
    received = threading.Event()
    waited: list[bool] = []
    pieces.doing = lambda: waited.append(received.wait(PATIENCE_S))
    asked = ask(spare=pieces)
    assert asked.turn(b"ab") == b"ba"
    received.set()
    traces.eventually(lambda: len(waited) == 3, "the work is done")
    assert (waited, pieces.left) == ([True] * 3, 0)


def test_between_pieces(ask: Ask, pieces: Pieces) -> None:
    """However much work there is, calls are answered between its pieces, and the server ends when it is told to."""
    pieces.left = ENDLESS
    asked = ask(spare=pieces)
    texts = [b"a%d" % number for number in range(20)]
    assert [asked.turn(text) for text in texts] == [text[::-1] for text in texts]
    traces.eventually(lambda: pieces.done > 0, "some of the work is done")


@pytest.mark.parametrize("transport", ["inline", "sockets"])
def test_calls_first(ask: Ask, lane: Lane, pieces: Pieces) -> None:
    """With one thread for all, no piece is begun while a call waits to be scored."""
    asked = ask(spare=pieces, most_rows=1)
    waiting: list[int] = []
    pieces.doing = lambda: waiting.append(len(asked.server._line))  # noqa: SLF001  # nobody else can see who waits
    lane.gate.clear()
    first = asked.call().future(b"first", timeout=PATIENCE_S)
    lane.entered.acquire()
    others = [asked.call().future(b"%d" % number, timeout=PATIENCE_S) for number in range(10)]
    lane.gate.set()
    for future in (first, *others):
        future.result()
    traces.eventually(lambda: len(waiting) == 33, "the work is done")
    assert set(waiting) == {0}
