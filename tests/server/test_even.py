import pytest

from server.even import Column, even
from server.requests import parse_batch
from server.rows import Row, RowReader, Table
from tests.server.encodings import delimited, reals
from tests.server.reading import KNOWN, OLD, OWN, SERVED, read_private

READER = RowReader(SERVED, KNOWN)
VECTORS = [[1.0, 2.0, 0.0, 1.0], [5.0, 2.0, 1.0, 0.0], [95.0, 7.0, 0.0, 0.0]]


def row(name: str, numbers: list[float], fingerprint: str = OWN) -> bytes:
    """A serialized Row, as every language writes it."""
    return visitor(name) + features(numbers, fingerprint)


def visitor(name: str) -> bytes:
    """The field with the visitor."""
    return delimited(1, delimited(1, name.encode()))


def features(numbers: list[float], fingerprint: str = OWN) -> bytes:
    """The field with the features."""
    return delimited(2, reals(1, numbers) + delimited(2, fingerprint.encode()))


ROWS = [row(name, numbers) for name, numbers in zip(["ann", "bob", "eve"], VECTORS, strict=True)]


def test_rows_laid_out_alike_are_one_table() -> None:
    """Neither an id nor a number is touched before somebody asks for it."""
    batch = parse_batch(b"".join(delimited(3, one) for one in ROWS))
    assert isinstance(batch.ids, Column)
    assert list(batch.ids) == [b"ann", b"bob", b"eve"]
    together = READER.read_all(batch.features)
    assert isinstance(together, Table)
    block = READER.complete(together)
    assert block.rows.tolist() == [[1, 2, 0, 1], [5, 2, 1, 0], [30, 7, 0, 0]]
    alone = [READER.read(one) for one in batch.features]
    assert [(one.numbers, one.features) for one in together] == [(one.numbers, one.features) for one in alone]


def test_rows_without_an_id_are_even_too() -> None:
    """Nobody has to say who the visitors are."""
    together = even([features(numbers) for numbers in VECTORS])
    assert together is not None
    assert list(together.ids) == [b"", b"", b""]
    assert len(READER.read_all(together.features)) == len(VECTORS)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(row("anna", VECTORS[0]), id="longer id"),
        pytest.param(row("é1", VECTORS[0]), id="id that is not ASCII"),
        pytest.param(features(VECTORS[0]) + visitor("ann"), id="another order"),
        pytest.param(row("ann", VECTORS[0])[:-1] + b"\xff\xff", id="another length"),
        pytest.param(visitor("ann") + delimited(1, b"") + features(VECTORS[0])[2:], id="two visitors"),
        pytest.param(b"", id="empty"),
    ],
)
def test_one_that_is_laid_out_otherwise(other: bytes) -> None:
    """Then all are read one by one."""
    assert even([*ROWS, other]) is None
    assert even([other, *ROWS]) is None


@pytest.mark.parametrize(
    "alone",
    [
        pytest.param(row("a" * 126, VECTORS[0]), id="visitor longer than a byte says"),
        pytest.param(visitor(""), id="no features"),
        pytest.param(visitor("ann") + delimited(2, b"", padding=4), id="length of many bytes"),
        pytest.param(row("ann", VECTORS[0]) + b"\x98\x06\x01", id="field of the future"),
        pytest.param(row("ann", VECTORS[0])[:-1], id="cut off"),
        pytest.param(b"\x12", id="nothing but a tag"),
    ],
)
def test_a_form_that_is_not_plain(alone: bytes) -> None:
    """Also where all rows have it."""
    assert even([alone, alone]) is None


def test_the_longest_plain_id() -> None:
    """As long as one byte can say of the visitor."""
    together = even([row("a" * 125, VECTORS[0]), row("b" * 125, VECTORS[1])])
    assert together is not None
    assert list(together.ids) == [b"a" * 125, b"b" * 125]


def test_vectors_of_another_schema_are_read_by_names() -> None:
    """Rows that are laid out alike need not be the model's own."""
    together = even([row("ann", [0.0, 7.0, 5.0, 9.0, 1.0], OLD), row("bob", [1.0, 7.0, 5.0, 9.0, 1.0], OLD)])
    assert together is not None
    rows = READER.read_all(together.features)
    assert not isinstance(rows, Table)
    assert [one.is_remapped for one in rows] == [True, True]
    assert len(read_private(READER, together.features)) == 2


def test_a_column_is_a_sequence() -> None:
    """With positions from both ends, and parts."""
    together = even(ROWS)
    assert together is not None
    ids = together.ids
    assert (ids[0], ids[-1], ids[1:]) == (b"ann", b"eve", [b"bob", b"eve"])
    assert (len(ids), b"bob" in ids) == (3, True)
    with pytest.raises(IndexError):
        ids[3]
    rows = READER.read_all(together.features)
    parts = rows[1:]
    assert [type(one) for one in parts] == [Row, Row]
    assert parts[0].numbers == rows[1].numbers
