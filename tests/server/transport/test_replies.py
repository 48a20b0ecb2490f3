"""What both transports answer when nothing is wrong."""

import asyncio
from typing import Any

import grpc
import pytest

from tests.server.transport.conftest import PATIENCE_S, Ask
from tests.server.transport.stub import SERVICE, TURN, Lane, method


def test_reply(ask: Ask) -> None:
    """A call gets its reply, and no other call's."""
    asked = ask()
    texts = [b"a%d" % n for n in range(100)]
    futures = [asked.call().future(text, timeout=PATIENCE_S) for text in texts]
    assert [future.result() for future in futures] == [text[::-1] for text in texts]


def test_empty_reply(ask: Ask) -> None:
    """A message of no bytes is a message, and so is a reply."""
    assert ask().turn(b"") == b""


def test_several_methods(ask: Ask, lane: Lane) -> None:
    """Each path leads to its own method."""
    asked = ask([method(lane), method(lane, f"/{SERVICE}/Shout", finish=lambda _: b"AHA")])
    assert asked.turn(b"ab") == b"ba"
    assert asked.call(f"/{SERVICE}/Shout")(b"ab") == b"AHA"


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_compressed_request(ask: Ask, compression: grpc.Compression) -> None:
    """A compressed message is understood."""
    assert ask().turn(b"a" * 9999 + b"b", compression=compression) == b"b" + b"a" * 9999


def test_no_metadata_of_its_own(ask: Ask) -> None:
    """A scoring method sends no metadata, and ends with OK and no text."""
    _, call = ask().call().with_call(b"ab", timeout=PATIENCE_S)
    assert call.initial_metadata() == ()
    assert call.trailing_metadata() == ()
    assert (call.code(), call.details()) == (grpc.StatusCode.OK, "")


def test_unknown_metadata(ask: Ask) -> None:
    """Metadata that nobody asked for, also binary, does no harm."""
    assert ask().turn(b"ab", metadata=(("x-trace", "1"), ("x-trace-bin", b"\0\xff"))) == b"ba"


def test_asyncio_client(ask: Ask) -> None:
    """A client of grpc.aio gets the same replies."""

    async def turn_many(port: int) -> list[bytes]:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            turn: Any = channel.unary_unary(TURN)
            return list(await asyncio.gather(*[turn(b"a%d" % n, timeout=PATIENCE_S) for n in range(50)]))

    assert asyncio.run(turn_many(ask().port)) == [(b"a%d" % n)[::-1] for n in range(50)]
