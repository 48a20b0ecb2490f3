"""One call between a client and this server, as the loop that answers it sees it, whoever moves its bytes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

import grpc

Event: TypeAlias = Any
Tag = Callable[[Event], None]
Metadata: TypeAlias = tuple[tuple[str, str | bytes], ...]

NEVER_S: Final = 2.0**62  # the core's infinity is the largest whole number of 64 bits


class Ending:
    """How calls end that get no reply.

    Args:
        code: the status.
        text: what it says.
        trailing: metadata that goes with it.
    """

    __slots__ = ("code", "details", "number", "text", "trailing")

    def __init__(self, code: grpc.StatusCode, text: str, trailing: Metadata = ()) -> None:
        self.code, self.text, self.trailing = code, text, trailing
        self.number, self.details = code.value[0], text.encode(errors="replace")


class Exchange(Protocol):
    """A call. A tag is called by the loop, later, with the event that it was given for."""

    def receive(self, *, message: Tag, close: Tag) -> None:
        """receive_close and receive_message at once."""
        ...

    def receive_message(self, tag: Tag) -> None:
        """Calls the tag when the next message is there, see `message`."""
        ...

    def message(self, event: Event) -> bytes | None:
        """The message in an event of receive_message; None when the client sends no more, or sent a too long one."""
        ...

    def receive_close(self, tag: Tag) -> None:
        """Calls the tag when the call has ended, for whatever reason. Asked once for each call."""
        ...

    def send_reply(self, reply: bytes, tag: Tag) -> None:
        """Answers a call that nothing was sent to, and ends it well."""
        ...

    def send(
        self,
        tag: Tag,
        *,
        initial: Metadata | None = None,
        reply: bytes | None = None,
        status: tuple[grpc.StatusCode, str] | None = None,
        trailing: Metadata = (),
    ) -> None:
        """Sends any of the parts of an answer, in one go; calls the tag when that is done.

        Args:
            tag: what to call.
            initial: the headers, to be sent once, first.
            reply: a message.
            status: ends the call.
            trailing: metadata that goes with the status.
        """
        ...

    def end(self, ending: Ending, tag: Tag) -> None:
        """Ends a call that nothing was sent to and whose end nobody waits for; calls the tag when it has ended."""
        ...

    def cancel(self) -> None:
        """Ends the call at once."""
        ...

    def peer(self) -> str:
        """Where the call is from, as gRPC writes it."""
        ...

    def auth_context(self) -> dict[str, Sequence[bytes]]:
        """What the transport knows of the client, such as the names in its certificate."""
        ...

    def peer_identities(self) -> Sequence[bytes] | None:
        """By which names the client is known, if it proved any."""
        ...

    def peer_identity_key(self) -> str | None:
        """Which entry of auth_context those names are."""
        ...


Taker = Callable[[Exchange, float], None]


@dataclass(slots=True)  # made for every call; a frozen one takes three times as long (measured)
class Arrival:
    """A call that arrived.

    Attributes:
        call: itself.
        path: such as b"/audience.v1.Scoring/Score".
        deadline_s: seconds since 1970, beyond NEVER_S when the client gave none.
        metadata: what the client sent.
    """

    call: Exchange
    path: bytes
    deadline_s: float
    metadata: Metadata
