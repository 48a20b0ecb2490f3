"""Labelled texts read, and texts of records turned into features."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from server.tokens import joined
from training.export.texts import TextScorer
from training.features import Features
from training.heads import FloatArray
from training.outcomes.examples import CannotLearn
from training.quality.refusal import BadData
from training.sources.records import open_records
from training.texts.fit import TextHead, fit_text
from training.texts.order import TextOrder

Columns = Mapping[str, npt.NDArray[Any]]

_MOST_UNREADABLE = 0.05  # of the lines


def learn(order: TextOrder, columns: Columns, folders: Sequence[Path], seed: int) -> TextHead:
    """The head that an order asks for, of the labelled texts of its files, or of the records.

    Args:
        order: what to learn.
        columns: of the records, shape (n,) each; those of the order where it has no files.
        folders: in which the files are looked for.
        seed: of the folds.

    Raises:
        BadConfig: a file cannot be read, or the query cannot be asked.
        CannotLearn: a column is absent, or there is too little of a class.
    """
    if order.sources:
        sentences, labels = read_sentences(order, folders)
    else:
        sentences, labels = _labelled(columns[order.text].tolist(), columns[order.label].tolist())
    return fit_text(order, sentences, labels, seed)


def read_sentences(order: TextOrder, folders: Sequence[Path]) -> tuple[list[str], list[str]]:
    """The labelled texts of the order's files, without those that lack a text or a label.

    Args:
        order: whose files are read.
        folders: in which they are looked for.

    Raises:
        BadConfig: a file cannot be read, or the query cannot be asked.
        CannotLearn: a column is absent, or many lines are no records.
    """
    try:
        with open_records(order.sources, order.place, order.query, folders) as records:
            found = records.fetch([order.text, order.label])
            unreadable = sum(map(len, records.rejects()))
    except BadData as error:
        raise CannotLearn(f"text head {order.name!r}: {error}") from error
    if unreadable > _MOST_UNREADABLE * (len(found) + unreadable):
        raise CannotLearn(
            f"text head {order.name!r}: {unreadable} lines are no records; see delimiter, quote and header"
        )
    return _labelled(found[order.text].to_pylist(), found[order.label].to_pylist())


def _labelled(texts: Sequence[object], labels: Sequence[object]) -> tuple[list[str], list[str]]:
    """The texts that have a label, and their labels."""
    pairs = [(str(text), str(label)) for text, label in zip(texts, labels, strict=True) if None not in (text, label)]
    return [text for text, _ in pairs], [label for _, label in pairs]


def apply(head: TextHead, texts: Sequence[str]) -> FloatArray:
    """What the head's graph says of these texts, shape (n, len(head.specs))."""
    return TextScorer(head.graph).scores(texts)


def features_of(head: TextHead, texts: npt.NDArray[Any], *, to_learn: bool) -> tuple[Features, npt.NDArray[np.bool_]]:
    """What a head says of each text, and where there is none; both of shape (n, len(head.specs)).

    Args:
        head: whose features they are.
        texts: shape (n,), None or blank where there is none. A text that stands in many rows is scored once.
        to_learn: of a text that the head was fitted on take what the head without it says, as it would of a new one:
            what is learnt from would otherwise seem to say more than it will.
    """
    is_missing = np.array([text is None or not str(text).strip() for text in texts.tolist()], dtype=bool)
    distinct, place = np.unique(np.where(is_missing, "", texts).astype(np.str_), return_inverse=True)
    said = apply(head, distinct.tolist())
    if to_learn:
        _put_held_out(said, [joined(text) for text in distinct.tolist()], head.held_out)
    scores = said[place].astype(np.float32)
    scores[is_missing] = np.median(scores[~is_missing], axis=0) if not is_missing.all() else 0.0
    return scores, np.repeat(is_missing[:, None], scores.shape[1], axis=1)


def _put_held_out(scores: FloatArray, tokens: Sequence[str], held_out: Mapping[str, Sequence[float]]) -> None:
    for position, text in enumerate(tokens):
        if text in held_out:
            scores[position] = held_out[text]
