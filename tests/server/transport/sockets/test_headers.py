import pytest
from hpack import Decoder, Encoder
from hypothesis import given
from hypothesis import strategies as st

from server.transport.sockets.headers import (
    BadHeaders,
    HeaderReader,
    TooManyHeaders,
    header_frames,
    initial_block,
    metadata,
    trailing_block,
)
from tests.server.conftest import law

MOST = 10_000
NAMES = st.sampled_from([b":path", b":method", b"te", b"grpc-timeout", b"x-own", b"x-other"]) | st.binary(
    min_size=1, max_size=20
)
VALUES = st.sampled_from([b"", b"POST", b"trailers", b"100m", b"a" * 200]) | st.binary(max_size=80)
BLOCKS = st.lists(st.lists(st.tuples(NAMES, VALUES), max_size=8), min_size=1, max_size=12)


@law
@given(BLOCKS, st.booleans())
def test_what_another_wrote(blocks: list[list[tuple[bytes, bytes]]], huffman: bool) -> None:  # noqa: FBT001  # drawn
    """Block after block of one connection is read as another implementation wrote it, tables and packed texts too."""
    encoder, reader = Encoder(), HeaderReader(MOST)
    for pairs in blocks:
        assert reader.read(encoder.encode(pairs, huffman=huffman)) == pairs


@law
@given(BLOCKS)
def test_an_unchanged_table_says_the_same_again(blocks: list[list[tuple[bytes, bytes]]]) -> None:
    """After a block that changed nothing, the same bytes mean the same."""
    encoder, reader = Encoder(), HeaderReader(MOST)
    for pairs in blocks:
        block = encoder.encode(pairs)
        reader.read(block)
        again = encoder.encode(pairs)
        assert reader.read(again) == pairs
        if not reader.is_changed:
            assert reader.read(again) == pairs
            assert not reader.is_changed


@law
@given(st.lists(st.binary(max_size=60), max_size=10))
def test_noise(blocks: list[bytes]) -> None:
    """Whatever comes, it is headers, or it is said that it is none."""
    reader = HeaderReader(MOST)
    for block in blocks:
        try:
            assert isinstance(reader.read(block), list)
        except (BadHeaders, TooManyHeaders):
            return


@pytest.mark.parametrize(
    ("block", "error"),
    [
        (b"\x80", BadHeaders),  # the header of number 0
        (b"\xff\x80", BadHeaders),  # a number that is cut
        (b"\xff" + b"\xff" * 9, BadHeaders),  # a number that does not end
        (b"\xbe", BadHeaders),  # the first of an empty table
        (b"\x00\x05abc", BadHeaders),  # a name that is longer than its block
        (b"\x3f\xff\xff\x03", BadHeaders),  # a table larger than agreed
        (b"\x00\x81\xff\x00", BadHeaders),  # no Huffman code
        (b"\x40\x01a\x7f\xa1\x1e" + b"b" * 4000 + b"\xbe" * 5, TooManyHeaders),  # small here, large once it is unpacked
    ],
)
def test_bad_blocks(block: bytes, error: type[Exception]) -> None:
    """What cannot be meant is refused, and what would take much room too."""
    with pytest.raises(error):
        HeaderReader(MOST).read(block)


def test_a_smaller_table() -> None:
    """A client may keep less than agreed; what falls out of its table is out of this one."""
    encoder, reader = Encoder(), HeaderReader(MOST)
    pairs = [(b"x-own", b"1"), (b"x-other", b"2" * 100)]
    assert reader.read(encoder.encode(pairs)) == pairs
    encoder.header_table_size = 60
    assert reader.read(encoder.encode(pairs)) == pairs
    assert reader.read(encoder.encode(pairs)) == pairs


@law
@given(st.text(), st.integers(0, 16), st.binary())
def test_what_this_one_writes(text: str, code: int, data: bytes) -> None:
    """Another implementation reads the status, its text as gRPC has it, and metadata of both kinds."""
    block = trailing_block(code, text, (("x-own", "value"), ("x-own-bin", data)))
    found = dict(Decoder().decode(block, raw=True))
    assert found[b"grpc-status"] == str(code).encode()
    message = found.get(b"grpc-message", b"").decode("ascii")
    assert all(" " <= letter <= "~" for letter in message)
    again = metadata([(name, value) for name, value in found.items() if name.startswith(b"x-")])
    assert again == (("x-own", "value"), ("x-own-bin", data))


def test_the_first_headers() -> None:
    """An answer begins with the status of HTTP, what it is, and what can be unpacked here."""
    found = Decoder().decode(initial_block((("a", "b"),)), raw=True)
    assert found == [
        (b":status", b"200"),
        (b"content-type", b"application/grpc"),
        (b"grpc-accept-encoding", b"identity, deflate, gzip"),
        (b"a", b"b"),
    ]


def test_long_headers_are_several_frames() -> None:
    """None of which is longer than every peer takes; the last one says that it is."""
    found, at = [], 0
    content = header_frames(1, b"x" * 40_000, 1)
    while at < len(content):
        length = int.from_bytes(content[at : at + 3], "big")
        found.append((content[at + 3], content[at + 4], length))
        at += 9 + length
    assert found == [(1, 1, 16_384), (9, 0, 16_384), (9, 4, 7_232)]


@pytest.mark.parametrize("pair", [(b"x", b"\xff"), (b"\xff", b"x"), (b"x-bin", b"!"), (b"x-bin", b"a")])
def test_metadata_that_is_none(pair: tuple[bytes, bytes]) -> None:
    """What is neither text nor base64, where it says so, is no metadata."""
    with pytest.raises(ValueError):  # noqa: PT011  # of several libraries
        metadata([pair])
