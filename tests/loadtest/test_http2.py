"""One connection without its socket, fed with bytes that a server could send, or could not."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest import frames
from loadtest.frames import Code, Kind, Setting, frame
from loadtest.headers import ReplyHeads
from loadtest.http2 import Connection, End
from loadtest.outbox import Request
from loadtest.results import Status
from tests.loadtest.answers import BLOCK, FINE, PLAIN, SETTINGS, block, connection, headers, message, reply, sent


def test_answers_come_in_any_order_and_mixed() -> None:
    """Frames of several streams between each other give each call its own answer, in the order of their ends."""
    made = connection(b"a", b"b")
    data = headers(1, *PLAIN) + headers(3, *PLAIN) + frame(Kind.DATA, 0, 1, message(b"one")[:6])
    data += frame(Kind.DATA, 0, 3, message(b"two")) + headers(3, *FINE, flags=frames.END_STREAM)
    data += frame(Kind.DATA, 0, 1, message(b"one")[6:]) + headers(1, *FINE, flags=frames.END_STREAM)
    assert made.receive(data) == [(1, Status.OK, b"two"), (0, Status.OK, b"one")]
    assert made.in_flight == {}


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (headers(1, *PLAIN, ("grpc-status", "8"), flags=frames.END_STREAM), Status.RESOURCE_EXHAUSTED),
        (headers(1, *PLAIN, ("grpc-status", "77"), flags=frames.END_STREAM), Status.UNKNOWN),
        (headers(1, *PLAIN) + headers(1, ("grpc-status", "5"), flags=frames.END_STREAM), Status.NOT_FOUND),
        (headers(1, *PLAIN) + headers(1, *FINE, flags=frames.END_STREAM), Status.BAD_REPLY),
        (headers(1, *PLAIN) + headers(1, ("x", "y"), flags=frames.END_STREAM), Status.UNKNOWN),
        (headers(1, *PLAIN) + frame(Kind.DATA, frames.END_STREAM, 1, message(b"a")), Status.UNKNOWN),
        (headers(1, (":status", "404"), flags=frames.END_STREAM), Status.UNIMPLEMENTED),
        (headers(1, (":status", "503"), *FINE, flags=frames.END_STREAM), Status.UNAVAILABLE),
        (headers(1, (":status", "418")) + headers(1, *FINE, flags=frames.END_STREAM), Status.UNKNOWN),
        (headers(1, (":status", "503")) + frame(Kind.DATA, frames.END_STREAM, 1, b"late"), Status.UNAVAILABLE),
        (headers(1, *FINE, flags=frames.END_STREAM), Status.BAD_REPLY),
        (headers(1, (":status", "103")) + reply(1, b"a"), Status.OK),
        (frame(Kind.RST_STREAM, 0, 1, frames.NUMBER.pack(Code.ENHANCE_YOUR_CALM)), Status.RESOURCE_EXHAUSTED),
        (frame(Kind.RST_STREAM, 0, 1, frames.NUMBER.pack(Code.CANCEL)), Status.CANCELLED),
        (frame(Kind.RST_STREAM, 0, 1, frames.NUMBER.pack(Code.NO_ERROR)), Status.INTERNAL),
        (frame(Kind.RST_STREAM, 0, 1, frames.NUMBER.pack(4711)), Status.INTERNAL),
    ],
)
def test_how_a_call_ends(answer: bytes, status: Status) -> None:
    """OK needs HTTP 200, grpc-status 0 and one whole message; whatever else ends a stream is an error by its kind."""
    assert [end[1] for end in connection(b"a").receive(answer)] == [status]


@pytest.mark.parametrize(
    "body", [message(b"ab")[:-1], message(b"ab") + b"c", message(b"ab") * 2, message(b"ab", compressed=1), b"\0\0"]
)
def test_what_is_not_one_message_is_a_bad_reply(body: bytes) -> None:
    """A message that is cut short, compressed, or followed by something is none, though the status says OK."""
    data = headers(1, *PLAIN) + frame(Kind.DATA, 0, 1, body) + headers(1, *FINE, flags=frames.END_STREAM)
    assert connection(b"a").receive(data) == [(0, Status.BAD_REPLY, b"")]


def test_headers_in_parts_and_padding() -> None:
    """A header block may go on in CONTINUATION frames, and frames may be padded or carry a priority."""
    whole = block(*PLAIN)
    data = frame(Kind.HEADERS, frames.PADDED | frames.PRIORITISED, 1, b"\x02" + bytes(5) + whole[:3] + b"\0\0")
    data += frame(Kind.CONTINUATION, 0, 1, whole[3:5]) + frame(Kind.CONTINUATION, frames.END_HEADERS, 1, whole[5:])
    data += frame(Kind.DATA, frames.PADDED, 1, b"\x03" + message(b"one") + bytes(3))
    data += headers(1, *FINE, flags=frames.END_STREAM)
    assert connection(b"a").receive(data) == [(0, Status.OK, b"one")]


MIXED = (
    frame(Kind.PING, 0, 0, b"12345678")
    + reply(1, b"x" * 300, piece_bytes=37)
    + frame(Kind.WINDOW_UPDATE, 0, 0, frames.NUMBER.pack(5))
    + headers(3, *PLAIN, ("grpc-status", "14"), flags=frames.END_STREAM)
    + frame(Kind(Kind.PRIORITY), 0, 5, bytes(5))
    + frame(Kind.RST_STREAM, 0, 5, frames.NUMBER.pack(Code.CANCEL))
    + reply(7, b"")
    + frame(Kind.GOAWAY, 0, 0, frames.GOAWAY_HEAD.pack(7, Code.NO_ERROR))
)


@given(cuts=st.lists(st.integers(0, len(MIXED))))
def test_where_bytes_are_cut_changes_nothing(cuts: list[int]) -> None:
    """The same bytes in any pieces end the same calls in the same way, and are answered by the same frames."""
    whole, cut = connection(*[b"a"] * 5), connection(*[b"a"] * 5)
    expected = whole.receive(MIXED)
    edges = [0, *sorted(cuts), len(MIXED)]
    ends: list[End] = []
    for start, end in itertools.pairwise(edges):
        ends += cut.receive(MIXED[start:end])
    assert ends == expected
    assert sent(cut) == sent(whole)
    assert cut.returned == whole.returned == [4]


@given(junk=st.binary(max_size=200), is_ready=st.booleans())
def test_junk_never_raises(junk: bytes, *, is_ready: bool) -> None:
    """Whatever comes, the connection takes it or is broken with a reason, and no call is lost or ends twice."""
    made = Connection(ReplyHeads())
    if is_ready:
        made.receive(SETTINGS)
        made.begin(0, Request.of(BLOCK, b"a"))
    ends = made.receive(junk)
    assert made.is_broken is False or made.trouble
    assert len(ends) + len(made.in_flight) + len(made.returned) == int(is_ready)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (frame(Kind.DATA, 0, 9, b""), "stream 9, which was never opened"),
        (frame(Kind.HEADERS, frames.END_HEADERS, 2, block(*PLAIN)), "stream 2, which was never opened"),
        (frame(Kind.RST_STREAM, 0, 9, bytes(4)), "stream 9"),
        (frame(Kind.RST_STREAM, 0, 1, bytes(3)), "RST_STREAM frame of 3 bytes instead of 4"),
        (frame(Kind.PING, 0, 0, bytes(7)), "PING frame of 7 bytes instead of 8"),
        (frame(Kind.SETTINGS, 0, 0, bytes(7)), "each setting takes 6"),
        (frames.settings({Setting.MAX_FRAME_SIZE: 5}), "MAX_FRAME_SIZE of 5"),
        (frames.settings({Setting.INITIAL_WINDOW_SIZE: 2**31}), "a window of 2147483648 bytes"),
        (frame(Kind.WINDOW_UPDATE, 0, 0, bytes(4)), "adds nothing"),
        (frame(Kind.WINDOW_UPDATE, 0, 0, frames.NUMBER.pack(2**31 - 1)), "a window of"),
        (frame(Kind.GOAWAY, 0, 0, bytes(7)), "GOAWAY frame of 7 bytes"),
        (frame(Kind.PUSH_PROMISE, 0, 1, bytes(4)), "PUSH_PROMISE"),
        (frame(Kind.CONTINUATION, 0, 1, b""), "CONTINUATION"),
        (frame(Kind.HEADERS, 0, 1, b"") + frame(Kind.DATA, 0, 1, b""), "between the parts of a header block"),
        (frame(Kind.DATA, frames.PADDED, 1, b"\x05abc"), "longer than the frame"),
        (frame(Kind.DATA, frames.PADDED, 1, b""), "longer than the frame"),
        (frame(Kind.HEADERS, frames.END_HEADERS, 1, b"\xff\xff\xff\xff"), "header block that cannot be read"),
        (frame(Kind.HEADERS, frames.END_HEADERS, 1, b"\xbe"), "header block that cannot be read"),
        (headers(1, (":status", "good")), "header block that cannot be read"),
        (frames.HEAD.pack(0x10, 1, Kind.DATA, 0, 1), "a frame of 1048577 bytes"),
    ],
)
def test_what_http2_does_not_allow_breaks_the_connection_with_words(data: bytes, word: str) -> None:
    """The reason says what came; the call is left in flight for whoever ends it, and the peer is told."""
    made = connection(b"a")
    assert made.receive(data) == []
    assert made.is_broken
    assert word in made.trouble
    assert made.in_flight == {1: 0}
    assert sent(made)[-1][0] == Kind.GOAWAY


def test_an_answer_before_the_break_counts() -> None:
    """Calls that ended before the frame that is wrong have ended."""
    made = connection(b"a")
    assert made.receive(reply(1, b"one") + frame(Kind.PING)) == [(0, Status.OK, b"one")]
    assert made.is_broken


@pytest.mark.parametrize("greeting", [b"HTTP/1.1 400 Bad Request\r\n\r\n", frame(Kind.PING, 0, 0, bytes(8))])
def test_a_peer_that_speaks_something_else(greeting: bytes) -> None:
    """Who does not begin with settings is told apart at once."""
    made = Connection(ReplyHeads())
    made.receive(greeting)
    assert made.is_broken
    assert "does not speak HTTP/2" in made.trouble


def test_pings_and_settings_are_acknowledged() -> None:
    """A ping comes back with its bytes; an acknowledgement is not answered."""
    made = connection()
    made.receive(frame(Kind.PING, 0, 0, b"12345678") + frame(Kind.PING, frames.ACK, 0, b"87654321"))
    made.receive(frame(Kind.SETTINGS, frames.ACK))
    assert sent(made) == [(Kind.SETTINGS, frames.ACK, 0, b""), (Kind.PING, frames.ACK, 0, b"12345678")]


def test_a_call_given_up_is_reset_and_forgotten() -> None:
    """The peer is told to stop, and what it still sends for the call ends nothing."""
    made = connection(b"a")
    sent(made)
    made.cancel(1)
    assert sent(made) == [(Kind.RST_STREAM, 0, 1, frames.NUMBER.pack(Code.CANCEL))]
    assert made.receive(reply(1, b"one") + frame(Kind.RST_STREAM, 0, 1, bytes(4))) == []
    assert made.is_broken is False


def test_leaving_gives_back_what_the_peer_did_not_look_at() -> None:
    """Calls above the last stream of a GOAWAY come back in order, those below go on; nothing new begins."""
    made = connection(b"a", b"b", b"c")
    assert made.has_room
    made.receive(frame(Kind.GOAWAY, 0, 0, frames.GOAWAY_HEAD.pack(1, Code.NO_ERROR)))
    assert (made.returned, made.in_flight, made.has_room, made.trouble) == ([1, 2], {1: 0}, False, "")
    assert made.receive(reply(1, b"one")) == [(0, Status.OK, b"one")]


def test_leaving_in_anger_says_why() -> None:
    """A GOAWAY with an error and a text is trouble that people should read."""
    made = connection(b"a")
    made.receive(frame(Kind.GOAWAY, 0, 0, frames.GOAWAY_HEAD.pack(1, Code.ENHANCE_YOUR_CALM) + b"too_many_pings"))
    assert made.trouble == "it went away with ENHANCE_YOUR_CALM (too_many_pings)"


def test_room_for_as_many_streams_as_the_peer_allows() -> None:
    """There is room below the peer's limit, and again when a call has ended."""
    made = connection(b"a")
    assert made.has_room
    made.receive(frames.settings({Setting.MAX_CONCURRENT_STREAMS: 1}))
    assert not made.has_room
    made.receive(reply(1, b"one"))
    assert made.has_room


def refusal(stream: int) -> bytes:
    """What a server says that does not look at a call."""
    return frame(Kind.RST_STREAM, 0, stream, frames.NUMBER.pack(Code.REFUSED_STREAM))


def test_a_refused_call_comes_back_and_waits_for_room() -> None:
    """A call that the peer has not looked at is to be sent again, and none before another has ended."""
    made = connection(b"a", b"b")
    assert made.receive(refusal(3)) == []
    assert (made.returned, made.in_flight, made.has_room) == ([1], {1: 0}, False)
    made.receive(reply(1, b"one"))
    assert made.has_room


def test_a_call_that_is_refused_alone_is_sent_again_once() -> None:
    """When no other call's end can make room, a second refusal is the answer."""
    made = connection(b"a")
    assert made.receive(refusal(1)) == []
    assert (made.returned, made.has_room) == ([0], True)
    made.begin(0, Request.of(BLOCK, b"a"))
    assert made.receive(refusal(3)) == [(0, Status.UNAVAILABLE, b"")]
