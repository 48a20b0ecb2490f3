"""Texts of records turned into features, by the graphs that a server would ask."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from training.export.texts import TextScorer
from training.heads import FloatArray
from training.outcomes.examples import CannotLearn
from training.texts.fit import TextHead, fit_text
from training.texts.order import TextOrder


def apply(head: TextHead, texts: Sequence[str]) -> FloatArray:
    """What the head's graph says of these texts, shape (n, len(head.specs))."""
    return TextScorer(head.graph).scores(texts)


def learn(order: TextOrder, folder: Path, seed: int) -> TextHead:
    """The head that an order asks for, of the labelled texts of its file.

    Args:
        order: what to learn.
        folder: in which the file is looked for.
        seed: of the folds.

    Raises:
        CannotLearn: the file cannot be read, lacks a column, or has too little of a class.
    """
    with duckdb.connect() as connection:
        sentences, labels = read_sentences(connection, order, folder)
    return fit_text(order, sentences, labels, seed)


def read_sentences(connection: Any, order: TextOrder, folder: Path) -> tuple[list[str], list[str]]:  # noqa: ANN401  # duckdb ships incomplete types
    """The labelled texts of the order's file, without those that lack a text or a label, in the file's order.

    Args:
        connection: of duckdb.
        order: whose file is read.
        folder: in which it is looked for.

    Raises:
        CannotLearn: the file cannot be read, or lacks a column.
    """
    path = str(folder / order.path)
    reader = "read_parquet(?)" if path.endswith(".parquet") else "read_csv(?, all_varchar = true)"
    text, label = _quoted(order.text), _quoted(order.label)
    query = (
        f"SELECT CAST({text} AS VARCHAR), CAST({label} AS VARCHAR) FROM {reader} "  # noqa: S608  # quoted names
        f"WHERE {text} IS NOT NULL AND {label} IS NOT NULL"
    )
    try:
        rows = connection.execute(query, [path]).fetchall()
    except Exception as error:  # duckdb's errors are of a class that is imported by those who use it
        raise CannotLearn(f"text head {order.name!r}: {path} cannot be read: {str(error).splitlines()[0]}") from None
    return [row[0] for row in rows], [row[1] for row in rows]


def add_columns(connection: Any, table: str, column: str, heads: Sequence[TextHead], into: str) -> None:  # noqa: ANN401  # as above
    """Makes a table with all columns of another, and the features that heads make of one column of texts.

    A text that stands in many rows is scored once. Where the text is NULL, so are its features.

    Args:
        connection: of duckdb.
        table: name of the table or view.
        column: name of its column of texts.
        heads: whose features are added, under the names of their specs.
        into: name of the table that is made, or replaced.
    """
    text = _quoted(column)
    distinct = f"SELECT DISTINCT CAST({text} AS VARCHAR) FROM {_quoted(table)} WHERE {text} IS NOT NULL ORDER BY 1"  # noqa: S608  # quoted names
    texts = [row[0] for row in connection.execute(distinct).fetchall()]
    names = [_quoted(spec.name) for head in heads for spec in head.specs]
    scores = np.concatenate([apply(head, texts) for head in heads], axis=1)
    columns = {"text": np.array(texts, dtype=np.object_), **{f"c{i}": one for i, one in enumerate(scores.T)}}
    connection.register("audience_text_scores", columns)
    given = ", ".join(f"s.c{i} AS {name}" for i, name in enumerate(names))
    connection.execute(
        f"CREATE OR REPLACE TABLE {_quoted(into)} AS SELECT t.*, {given} FROM {_quoted(table)} AS t "  # noqa: S608  # quoted names
        f"LEFT JOIN audience_text_scores AS s ON CAST(t.{text} AS VARCHAR) = s.text"
    )
    connection.unregister("audience_text_scores")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
