"""What a client sends, within the limits of its peer."""

from collections.abc import Callable

import hpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest import frames
from loadtest.frames import Kind, Setting, frame
from loadtest.http2 import Connection
from loadtest.messages import framed
from loadtest.outbox import Request
from tests.loadtest.answers import BLOCK, connection, reply, sent


def test_a_call_is_two_frames() -> None:
    """A small call is one frame of headers, which need no table, and one of data, which ends the stream."""
    made = connection(b"hello")
    settings_ack, head, data = sent(made)
    assert settings_ack[:2] == (Kind.SETTINGS, frames.ACK)
    assert head[:3] == (Kind.HEADERS, frames.END_HEADERS, 1)
    assert data == (Kind.DATA, frames.END_STREAM, 1, framed(b"hello"))
    decoder = hpack.Decoder()
    decoder.header_table_size = decoder.max_allowed_table_size = 0
    assert dict(decoder.decode(head[3], raw=True)) == {
        b":method": b"POST",
        b":scheme": b"http",
        b":path": b"/a.B/C",
        b":authority": b"somewhere:1",
        b"te": b"trailers",
        b"content-type": b"application/grpc",
        b"user-agent": b"audience-loadtest",
        b"grpc-timeout": b"1000000u",
    }


@given(
    size=st.integers(0, 200_000),
    stream_window=st.integers(0, 100_000),
    frame_limit=st.integers(frames.SMALLEST_FRAME_LIMIT_BYTES, 50_000),
    steps=st.lists(st.integers(1, 70_000), max_size=6),
)
def test_windows_are_kept(size: int, stream_window: int, frame_limit: int, steps: list[int]) -> None:
    """A message is sent in order and whole when the windows allow, never more than they do, in frames as allowed."""
    made = connection()
    limits = {Setting.INITIAL_WINDOW_SIZE: stream_window, Setting.MAX_FRAME_SIZE: frame_limit}
    made.receive(frames.settings(limits))
    sent(made)
    content = framed(bytes(range(256)) * (size // 256 + 1))[: size + 5]
    made.begin(0, Request.of(BLOCK, content[5:]))
    connection_window, got = frames.FIRST_WINDOW_BYTES, b""
    for step in [0, *steps, 300_000]:
        if step:
            update = frames.NUMBER.pack(step)
            made.receive(frame(Kind.WINDOW_UPDATE, 0, 0, update) + frame(Kind.WINDOW_UPDATE, 0, 1, update))
        connection_window, stream_window = connection_window + step, stream_window + step
        pieces = [one for one in sent(made) if one[0] == Kind.DATA]
        got += b"".join(piece[3] for piece in pieces)
        assert len(got) <= min(connection_window, stream_window)
        assert len(got) == min(connection_window, stream_window, size + 5)
        assert all(len(piece[3]) <= frame_limit for piece in pieces)
    assert got[5:] == content[5:]


def test_settings_change_the_windows_of_streams_that_are_open() -> None:
    """A smaller initial window takes away from what is open, below nothing; a larger one gives it back."""
    made = connection()
    made.receive(frames.settings({Setting.INITIAL_WINDOW_SIZE: 100}))
    made.begin(0, Request.of(BLOCK, bytes(995)))
    sent(made)
    made.receive(frames.settings({Setting.INITIAL_WINDOW_SIZE: 40}))
    made.receive(frame(Kind.WINDOW_UPDATE, 0, 1, frames.NUMBER.pack(50)))
    assert [one for one in sent(made) if one[0] == Kind.DATA] == []
    made.receive(frames.settings({Setting.INITIAL_WINDOW_SIZE: 950}))
    assert [len(one[3]) for one in sent(made) if one[0] == Kind.DATA] == [900]


@pytest.mark.parametrize("change", [lambda made: made.cancel(1), lambda made: made.receive(reply(1, b"x"))])
def test_the_rest_of_a_call_that_has_ended_is_not_sent(change: Callable[[Connection], object]) -> None:
    """A call that is over before its message was sent sends nothing more when the window opens."""
    made = connection(bytes(100_000))
    change(made)
    sent(made)
    made.receive(frame(Kind.WINDOW_UPDATE, 0, 0, frames.NUMBER.pack(100_000)))
    assert [one for one in sent(made) if one[0] == Kind.DATA] == []
