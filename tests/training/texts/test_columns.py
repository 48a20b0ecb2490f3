import dataclasses
from pathlib import Path

import duckdb
import numpy as np
import pytest

from tests.training.texts.reviews import TONE
from training.outcomes.examples import CannotLearn
from training.texts.columns import add_columns, apply, read_sentences
from training.texts.fit import TextHead


def test_columns_of_a_table(site: TextHead) -> None:
    """Every row gets the features of its text, equal texts equal ones, and a row without text none."""
    connection = duckdb.connect()
    connection.execute(
        "CREATE TABLE given AS SELECT * FROM (VALUES (1, 'film'), (2, NULL), (3, 'food'), (4, 'film')) v(id, said)"
    )
    add_columns(connection, "given", "said", [site], "scored")
    rows = connection.execute("SELECT * FROM scored ORDER BY id").fetchall()
    assert [row[:2] for row in rows] == [(1, "film"), (2, None), (3, "food"), (4, "film")]
    assert rows[1][2:] == (None, None, None)
    np.testing.assert_allclose([rows[i][2:] for i in (0, 2, 3)], apply(site, ["film", "food", "film"]))
    names = [row[0] for row in connection.execute("DESCRIBE scored").fetchall()]
    assert names == ["id", "said", "site_amazon_cells", "site_imdb", "site_yelp"]


def test_table_without_texts(site: TextHead) -> None:
    """Where no row has a text the features are there, and unknown."""
    connection = duckdb.connect()
    connection.execute("CREATE TABLE given (said VARCHAR)")
    connection.execute("INSERT INTO given VALUES (NULL)")
    add_columns(connection, "given", "said", [site], "scored")
    assert connection.execute("SELECT * FROM scored").fetchall() == [(None, None, None, None)]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_sentences_of_a_file(tmp_path: Path, suffix: str) -> None:
    """Texts and labels come from the named columns; rows that lack one are left out."""
    order = dataclasses.replace(TONE, path=f"s.{suffix}", text="said", label="is good")
    connection = duckdb.connect()
    values = "(VALUES ('a, \"b\"', 1, 2), (NULL, 1, 2), ('c', NULL, 2), ('d', 0, 2)) v(said, \"is good\", other)"
    connection.execute(f"COPY (SELECT * FROM {values}) TO '{tmp_path / order.path}'")  # noqa: S608  # constants
    assert read_sentences(connection, order, tmp_path) == (['a, "b"', "d"], ["1", "0"])


def test_no_such_file(tmp_path: Path) -> None:
    """A file that is not there is named."""
    with pytest.raises(CannotLearn, match=r"text head 'tone': .*absent\.csv cannot be read"):
        read_sentences(duckdb.connect(), dataclasses.replace(TONE, path="absent.csv"), tmp_path)
