"""The graph of a text head: input `text`, a string of tokens for each row; output `scores`, float32 [rows, scores].

Only operators of ONNX itself are in it, as a server asks. The tokenizer that skl2onnx writes for a vectorizer is ONNX
Runtime's own, reads letters of English alone and needs a locale that may be missing; so texts come in tokens.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from server.model import open_graph
from server.tokens import joined
from training.export.graph import IR_VERSION
from training.export.parity import ABSOLUTE_TOLERANCE, RELATIVE_TOLERANCE, NoParity
from training.heads import FloatArray

TEXT_INPUT: Final = "text"
TEXT_OUTPUT: Final = "scores"
TEXT_OPSET: Final = 20  # the first with StringSplit; ONNX Runtime 1.22 has 22
_BATCH: Final = 256  # texts: a row of counts is as wide as the vocabulary


def build_text_graph(terms: Sequence[str], rarity: FloatArray, weights: FloatArray, offsets: FloatArray) -> bytes:
    """The graph of a linear classifier on what terms a text has.

    A term counts as often as it is in the text, times its rarity; a text's counts are divided by the root of the sum
    of their squares.

    Args:
        terms: tokens, and pairs of tokens with a space between them, in the order of the columns.
        rarity: shape (terms,), the inverse document frequency.
        weights: shape (terms, scores).
        offsets: shape (scores,); one score is that of an event, more are those of classes.
    """
    nodes = [
        helper.make_node("StringSplit", [TEXT_INPUT], ["tokens", "token_counts"], delimiter=" "),
        _counter(terms, rarity),
        helper.make_node("LpNormalization", ["counts"], ["normalized"], axis=1, p=2),
        helper.make_node("MatMul", ["normalized", "weights"], ["products"]),
        helper.make_node("Add", ["products", "offsets"], ["logits"]),
        helper.make_node("Sigmoid" if len(offsets) == 1 else "Softmax", ["logits"], [TEXT_OUTPUT]),
    ]
    constants: dict[str, FloatArray] = {"weights": weights, "offsets": offsets}
    graph = helper.make_graph(
        nodes,
        "audience_text",
        [helper.make_tensor_value_info(TEXT_INPUT, TensorProto.STRING, [None])],
        [helper.make_tensor_value_info(TEXT_OUTPUT, TensorProto.FLOAT, [None, len(offsets)])],
        [numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in constants.items()],
    )
    model = helper.make_model(
        graph, producer_name="audience", ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", TEXT_OPSET)]
    )
    onnx.checker.check_model(model, full_check=True)
    serialized: bytes = model.SerializeToString(deterministic=True)
    return serialized


def _counter(terms: Sequence[str], rarity: FloatArray) -> onnx.NodeProto:
    """How often a text has each term, times its rarity.

    Its list has single tokens first, then pairs, and knows the column of each; its weights stand in the list's order.
    """
    singles = [column for column, term in enumerate(terms) if " " not in term]
    pairs = [column for column, term in enumerate(terms) if " " in term]
    return helper.make_node(
        "TfIdfVectorizer",
        ["tokens"],
        ["counts"],
        mode="TFIDF",
        min_gram_length=1,
        max_gram_length=2 if pairs else 1,
        max_skip_count=0,
        ngram_counts=[0, len(singles)] if pairs else [0],
        ngram_indexes=[*singles, *pairs],
        weights=rarity[[*singles, *pairs]].tolist(),
        pool_strings=[token for column in (*singles, *pairs) for token in terms[column].split(" ")],
    )


class TextScorer:
    """What a text graph says of texts, as a server would.

    Args:
        graph: as build_text_graph made it.

    Raises:
        BadBundle: ONNX Runtime refuses the graph.
    """

    def __init__(self, graph: bytes) -> None:
        self._session = open_graph(graph)

    def scores(self, texts: Sequence[str]) -> FloatArray:
        """Scores of these texts, shape (n, scores)."""
        if not texts:
            return np.empty((0, self._session.get_outputs()[0].shape[1]))
        tokens = np.array([joined(text) for text in texts], dtype=np.object_)
        parts: list[Any] = [
            self._session.run([TEXT_OUTPUT], {TEXT_INPUT: tokens[first : first + _BATCH]})[0]
            for first in range(0, len(tokens), _BATCH)
        ]
        return np.concatenate(parts).astype(np.float64)


def prove_texts(name: str, graph: bytes, texts: Sequence[str], expected: FloatArray) -> float:
    """The largest difference between a text graph and the scores that its estimators give.

    Args:
        name: of the head.
        graph: of the head.
        texts: at least one.
        expected: shape (n, scores).

    Raises:
        NoParity: a difference beyond the tolerance.
    """
    actual = TextScorer(graph).scores(texts)
    difference = np.abs(actual - expected)
    wrong = np.argwhere(~(difference <= ABSOLUTE_TOLERANCE + RELATIVE_TOLERANCE * np.abs(expected)))
    if len(wrong):
        row, column = wrong[0]
        raise NoParity(
            f"text head {name!r}: the graph differs from scikit-learn on {len(np.unique(wrong[:, 0]))} of {len(texts)} "
            f"texts, first text {row}, column {column}: {actual[row, column]:.9g} instead of "
            f"{expected[row, column]:.9g}"
        )
    return float(difference.max())
