"""Requests in every form that protobuf allows on the wire, and in some that it does not; Hypothesis puts them together.

What a message in any of these forms means is for the generated code to say.
"""

import struct
from collections.abc import Sequence

from hypothesis import strategies as st

from server.schema import CATEGORY, Schema

Pieces = st.SearchStrategy[bytes]

_VARINT, _FIXED64, _DELIMITED, _FIXED32 = 0, 1, 2, 5

paddings = st.sampled_from([0, 0, 0, 0, 1, 3])  # bytes that a varint is longer than it must be


def varint(number: int, padding: int = 0) -> bytes:
    """A whole number from 0, with bytes at its end that add nothing."""
    groups = [number & 0x7F]
    while number := number >> 7:
        groups.append(number & 0x7F)
    groups += [0] * padding
    return bytes([group | 0x80 for group in groups[:-1]] + groups[-1:])


def whole(field: int, number: int, padding: int = 0) -> bytes:
    """A field with a whole number."""
    return varint(field << 3 | _VARINT) + varint(number, padding)


def delimited(field: int, content: bytes, padding: int = 0) -> bytes:
    """A field with text, bytes, a message or packed numbers."""
    return varint(field << 3 | _DELIMITED) + varint(len(content), padding) + content


def real(field: int, number: float) -> bytes:
    """A field with a float."""
    return varint(field << 3 | _FIXED32) + struct.pack("<f", number)


def reals(field: int, numbers: Sequence[float]) -> bytes:
    """A field with packed floats."""
    return delimited(field, struct.pack(f"<{len(numbers)}f", *numbers))


def _delimited(field: int, contents: Pieces) -> Pieces:
    return st.builds(delimited, st.just(field), contents, paddings)


def _texts(field: int, *texts: str) -> Pieces:
    return _delimited(field, st.sampled_from([*(text.encode() for text in texts), b"", b"\xff"]))


_numbers = st.sampled_from([0.0, 1.0, 2.0, 0.5, -1.0, 95.0, float("nan"), float("inf")]) | st.floats(width=32)
_wholes = st.integers(0, 5) | st.integers(0, 2**64 - 1)

# Fields of the future, and known ones of another type than they have.
unknown: Pieces = st.one_of(
    st.builds(whole, st.sampled_from([1, 2, 4, 99]), _wholes, paddings),
    st.builds(real, st.sampled_from([2, 3, 99]), _numbers),
    st.builds(lambda field: varint(field << 3 | _FIXED64) + bytes(8), st.sampled_from([1, 99])),
    st.builds(delimited, st.just(99), st.binary(max_size=5), paddings),
)


@st.composite
def vectors(draw: st.DrawFn, schema: Schema) -> list[bytes]:
    """A vector of the schema's width, mostly plausible, in one or more chunks and single numbers; its fingerprint."""
    plausible = [
        st.integers(0, len(f.vocabulary)) if f.kind == CATEGORY else st.floats(0, 100, width=32)
        for f in schema.features
    ]
    values = [draw(_numbers if draw(st.integers(0, 15)) == 0 else one) for one in plausible]
    cuts = sorted(draw(st.lists(st.integers(0, len(values)), max_size=2)))
    pieces = []
    for first, last in zip([0, *cuts], [*cuts, len(values)], strict=True):
        if draw(st.integers(0, 3)):
            pieces.append(reals(1, values[first:last]))
        else:
            pieces += [real(1, value) for value in values[first:last]]
    return [*pieces, delimited(2, schema.fingerprint.encode())]


def _entries(field: int, keys: Pieces, values: Pieces) -> Pieces:
    """Entries of a map as they are mostly written, and in all other forms."""
    usual = st.tuples(keys, values)
    odd = st.lists(keys | values | unknown, max_size=4)
    return _delimited(field, (usual | usual | odd).map(b"".join))


def _named(schemas: Sequence[Schema]) -> Pieces:
    features = [feature for schema in schemas for feature in schema.features]
    names = [feature.name for feature in features]
    words = [word for feature in features for word in feature.vocabulary]
    numbers = _entries(4, _texts(1, *names, "visit"), st.builds(real, st.just(2), _numbers))
    categories = _entries(5, _texts(1, *names, "visit"), _texts(2, *words, "radio"))
    right_numbers = st.sampled_from([f.name for f in features if f.kind != CATEGORY])
    right_words = st.sampled_from([(f.name, word) for f in features for word in f.vocabulary])
    return st.one_of(
        numbers,
        categories,
        st.builds(lambda name, number: delimited(4, _key(name) + real(2, number)), right_numbers, _numbers),
        right_words.map(lambda pair: delimited(5, _key(pair[0]) + delimited(2, pair[1].encode()))),
    )


def _key(name: str) -> bytes:
    return delimited(1, name.encode())


@st.composite
def features(draw: st.DrawFn, schemas: Sequence[Schema]) -> bytes:
    """Features of one of the schemas or by names, or both, or neither."""
    pieces = draw(vectors(draw(st.sampled_from(schemas)))) if draw(st.booleans()) else []
    pieces += draw(st.lists(_named(schemas), max_size=draw(st.sampled_from([0, 1, 4]))))
    others = st.one_of(
        st.builds(whole, st.just(3), _wholes, paddings),
        st.lists(st.integers(0, 5).map(varint), max_size=3).map(lambda numbers: delimited(3, b"".join(numbers))),
        _texts(2, *(schema.fingerprint for schema in schemas), "0" * 32),
        unknown,
    )
    pieces += draw(st.lists(others, max_size=draw(st.sampled_from([0, 0, 2]))))
    return b"".join(draw(st.permutations(pieces)) if draw(st.booleans()) else pieces)


def visitors() -> Pieces:
    """Visitors."""
    return st.lists(_texts(1, "v1", "x" * 200) | unknown, max_size=2).map(b"".join)


def selectors(schemas: Sequence[Schema]) -> Pieces:
    """Selectors."""
    fields = st.one_of(
        _texts(1, "shop"),
        st.builds(whole, st.just(2), st.integers(0, 2), paddings),
        _texts(3, "value", "buys_7d"),
        _delimited(4, features(schemas)),
        unknown,
    )
    return st.lists(fields, max_size=3).map(b"".join)


def _messages(fields: Pieces, most: int) -> Pieces:
    return st.lists(fields, max_size=most).map(b"".join)


def score_requests(schemas: Sequence[Schema]) -> Pieces:
    """Requests to score one visitor."""
    given = _delimited(4, features(schemas))
    others = st.one_of(
        _texts(1, "r1"),
        _delimited(2, visitors()),
        _delimited(3, selectors(schemas)),
        st.builds(whole, st.just(5), st.sampled_from([0, 1, 2, 7, 2**32 - 1]), paddings),
        unknown,
    )
    return _messages(given | others, 4)


def batches(schemas: Sequence[Schema]) -> Pieces:
    """Requests to score many visitors."""
    row = _messages(st.one_of(_delimited(1, visitors()), _delimited(2, features(schemas)), unknown), 3)
    others = st.one_of(
        _texts(1, "r1"),
        _delimited(2, selectors(schemas)),
        st.builds(whole, st.just(4), st.sampled_from([0, 1, 2, 7, 2**32 - 1]), paddings),
        unknown,
    )
    return _messages(_delimited(3, row) | others, 4)


@st.composite
def even_batches(draw: st.DrawFn, schemas: Sequence[Schema]) -> bytes:
    """Requests to score visitors whose rows are laid out alike, by a vector of one schema; of some an id is not."""
    schema = draw(st.sampled_from(schemas))
    length = draw(st.sampled_from([0, 1, 3, 36, 124, 125, 126, 128]))
    id_ = st.text("aB-9", min_size=length, max_size=length) | st.sampled_from(["é" * (length // 2), "other"])
    row = st.builds(
        lambda name, numbers: (
            (delimited(1, delimited(1, name.encode())) if length else b"")
            + delimited(2, reals(1, numbers) + delimited(2, schema.fingerprint.encode()))
        ),
        id_,
        st.lists(_numbers, min_size=schema.width, max_size=schema.width),
    )
    rows = draw(st.lists(row, min_size=1, max_size=4))
    return delimited(1, b"r1") + b"".join(delimited(3, one) for one in rows)
