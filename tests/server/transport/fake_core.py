"""A core without a network and a clock that stands still, for calls in the line."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc

from server.errors import DeadlineTooShort, InvalidRequest
from server.transport.exchange import Ending
from server.transport.line import Entry, Line
from server.transport.seam import AnyMethod, Method, Run

PATH = "/audience.v1.Scoring/Score"
FAR = 1e6  # seconds
ROW_BYTES = 64  # what a row is taken for that has fewer


class Clock:
    """Time that passes only when it is told to."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def time(self) -> float:
        """As time.time."""
        return self.now_s

    perf_counter = time

    def perf_counter_ns(self) -> int:
        """As time.perf_counter_ns."""
        return round(self.now_s * 1e9)


@dataclass(eq=False)
class Call:
    """A client's call: what it was answered, and how to go on with it."""

    on_close: Callable[[Any], None] = lambda _: None
    on_message: Callable[[Any], None] = lambda _: None
    is_closed: bool = False
    reply: bytes | None = None
    status: tuple[grpc.StatusCode, str] | None = None
    trailing: Sequence[tuple[str, str]] = ()

    @property
    def code(self) -> str:
        """The status by name, OK for a reply, "" while there is none."""
        if self.reply is not None:
            return "OK"
        return self.status[0].name if self.status else ""

    def end(self, ending: Ending, tag: Callable[[Any], None]) -> None:
        """Refuses."""
        self.on_close = tag
        self.send(tag, initial=(), status=(ending.code, ending.text), trailing=ending.trailing)

    def receive(self, *, message: Callable[[Any], None], close: Callable[[Any], None]) -> None:
        """Remembers whom to tell."""
        self.on_message, self.on_close = message, close

    @staticmethod
    def message(event: bytes | None) -> bytes | None:
        """An event is the message itself here."""
        return event

    def send_reply(self, reply: bytes, _tag: Any) -> None:
        """Answers."""
        assert not self.code
        self.reply = reply

    def send(self, _tag: Any, *, initial: Any, status: Any, trailing: Any = ()) -> None:
        """Ends without a reply."""
        assert (initial, self.code) == ((), "")
        self.status, self.trailing = status, trailing


@dataclass(frozen=True)
class Prepared:
    """As seam's."""

    runs: Sequence[Run]


@dataclass(eq=False)
class World:
    """A line, the clock, and a method whose messages are as many rows as they say and take a second a row.

    A message is the number of its rows, and as long as so many are; "wrong" is refused, "broken" breaks whatever it is
    scored with.
    """

    clock: Clock
    entry: Entry = field(init=False)
    line: Line = field(init=False)
    scored: list[list[bytes]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    row_s: float = 1.0

    def method(self) -> AnyMethod:
        """The method."""
        return Method(PATH, self._prepare, lambda _: b"scores", self._late, lambda _: "r1")

    def _prepare(self, message: bytes) -> Prepared:
        text = message.strip()
        if text == b"wrong":
            raise InvalidRequest("say what")
        return Prepared([Run(self, [text] * row_count(text))])

    def _late(self, prepared: Prepared) -> bytes:
        if prepared.runs[0].rows[0] == b"prior":
            return b"prior"
        raise DeadlineTooShort("too late")

    def score(self, rows: Sequence[bytes]) -> None:
        """As a lane's."""
        self.scored.append(list(rows))
        self.clock.now_s += self.row_s * len(rows)
        if b"broken" in rows:
            raise OSError

    def arrive(self, *, within_s: float = FAR, entry: Entry | None = None) -> Call:
        """A call that arrives, of the one method if no other is said."""
        call = Call()
        self.calls.append(call)
        deadline_s = self.clock.now_s + within_s
        exchange: Any = call  # what the line uses of one
        self.line.arrive(entry or self.entry, exchange, deadline_s)
        return call

    def turn(self) -> None:
        """A turn of the loop: the line scores, then the core says which calls have ended."""
        self.line.score()
        for call in self.calls:
            if call.code:
                self.close(call)

    def close(self, call: Call) -> None:
        """The core says that a call has ended; once."""
        if not call.is_closed:
            call.is_closed = True
            call.on_close(None)

    def ask(self, message: bytes = b"1", *, within_s: float = FAR, entry: Entry | None = None) -> Call:
        """A call that arrives and whose message does, if it was taken in."""
        call = self.arrive(within_s=within_s, entry=entry)
        if not call.code:
            self.say(call, message)
        return call

    @staticmethod
    def say(call: Call, message: bytes) -> None:
        """The message of a call that was taken in arrives."""
        call.on_message(message.ljust(ROW_BYTES * row_count(message)))


def row_count(message: bytes) -> int:
    """How many rows a message has."""
    return 1 if message.isalpha() else int(message)
