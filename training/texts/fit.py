"""Text heads: which terms a text has, weighted by how rare they are, and a logistic regression on them."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss, roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline

from server.tokens import joined
from training.export.texts import build_text_graph, prove_texts
from training.features import FeatureSpec
from training.heads import FloatArray
from training.outcomes.examples import CannotLearn
from training.texts.order import SENTIMENT, TextOrder

FOLDS: Final = 5
METHOD: Final = "logistic regression on tf-idf of tokens and pairs of tokens"
# Larger and smaller ones, and terms of one sentence alone, were less often right on sentences kept apart. (measured)
_LEAST_SENTENCES: Final = 2  # that a term is in
_INVERSE_PENALTY: Final = 10.0

# Where tokenizers and graphs go wrong: nothing, only symbols, what is very long, other scripts, broken text.
EDGE_TEXTS: Final = (
    "",
    " \t\n",
    "\u200b",
    "!?.,;:()[]{}|\\/\"'",
    "\U0001f600\U0001f44d\U0001f3fd \u2764\ufe0f",
    "the of and a to",
    "good " * 5_000,
    "x" * 20_000,
    "NOT GOOD, not   good; isn\u2019t good",
    "caf\u00e9 cafe\u0301 \uff27\uff2f\uff2f\uff24 \ufb01ne stra\u00dfe",
    "\u3053\u308c\u306f\u826f\u3044\u88fd\u54c1\u3067\u3059",
    "\u043e\u0447\u0435\u043d\u044c \u0445\u043e\u0440\u043e\u0448\u043e",
    "\u0645\u0645\u062a\u0627\u0632 \u062c\u062f\u0627",
    "\u0939\u093f\u0928\u094d\u0926\u0940 \u092e\u0947\u0902",
    "lone \ud800 surrogate and \x00 zero",
)


@dataclass(frozen=True, slots=True)
class TextHead:
    """What a text says: how likely it is positive, or of each class.

    Attributes:
        order: what was asked for.
        model: vectorizer and classifier, fitted on joined tokens.
        graph: the same as ONNX, with a string for each text as input; see training.export.texts.
        evaluation: how often it is right on sentences that it was not fitted on.
        held_out: by the joined tokens of a sentence, its scores by a head of the same kind that was not fitted on it.
    """

    order: TextOrder
    model: Pipeline
    graph: bytes
    evaluation: dict[str, object]
    held_out: Mapping[str, Sequence[float]]

    @property
    def name(self) -> str:
        """Name of the head."""
        return self.order.name

    @property
    def file_name(self) -> str:
        """Name of the graph's file in a version's folder."""
        return f"text_{self.name}.onnx"

    @property
    def specs(self) -> tuple[FeatureSpec, ...]:
        """The features that it makes of a text, one for each score."""
        return tuple(
            FeatureSpec(name=name, description=_phrase(self.order, i), unit="probability", maximum=1.0)
            for i, name in enumerate(self.order.outputs)
        )

    def scores(self, texts: Sequence[str]) -> FloatArray:
        """Probabilities as scikit-learn gives them, shape (n, len(specs)): what the graph is compared with."""
        return _scores(self.model, texts, self.order)


def fit_text(order: TextOrder, sentences: Sequence[str], labels: Sequence[str], seed: int) -> TextHead:
    """The text head that the order asks for.

    Args:
        order: what to learn.
        sentences: at least ten different ones of each class.
        labels: of the sentences, as many.
        seed: of the folds.

    Raises:
        CannotLearn: the sentences are too few, or a label is none of the order's.
        NoParity: the graph answers differently from the estimators.
    """
    positions = _positions(order, labels)
    tokens = np.array([joined(sentence) for sentence in sentences], dtype=np.object_)
    _, first, which = np.unique(tokens.astype(np.str_), return_index=True, return_inverse=True)
    _check_enough(order, positions[first])
    began = time.perf_counter()
    predicted = np.empty((len(tokens), positions.max() + 1))
    for _, part in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(first, positions[first]):
        is_test = np.isin(which, part)  # copies of a sentence are on one side
        predicted[is_test] = _fit(tokens[~is_test], positions[~is_test]).predict_proba(tokens[is_test])
    judged = _judge(order, predicted, positions)
    seconds = time.perf_counter() - began
    model = _fit(tokens, positions)
    graph = _export(model)
    texts = [*sentences, *EDGE_TEXTS]
    difference = prove_texts(order.name, graph, texts, _scores(model, texts, order))
    evaluation: dict[str, object] = {
        "title": order.title,
        "kind": order.kind,
        "method": METHOD,
        "sentence_count": len(tokens),
        "term_count": len(model[0].vocabulary_),
        "split": f"{FOLDS} folds",
        "seconds": seconds,
        "parity": {"rows": len(sentences), "edge_rows": len(EDGE_TEXTS), "largest_difference": difference},
    }
    held_out = dict(zip(tokens.tolist(), _of_outputs(predicted, order).tolist(), strict=True))
    return TextHead(order, model, graph, evaluation | judged, held_out)


def _positions(order: TextOrder, labels: Sequence[str]) -> npt.NDArray[np.int64]:
    """Position of each label among the classes; of a sentiment 1 for what is positive."""
    if order.kind == SENTIMENT:
        return np.array([label == order.positive for label in labels], dtype=np.int64)
    unknown = sorted(set(labels) - set(order.classes))
    if unknown:
        raise CannotLearn(
            f"text head {order.name!r}: a sentence is labelled {unknown[0]!r}; classes are {', '.join(order.classes)}"
        )
    return np.array([order.classes.index(label) for label in labels], dtype=np.int64)


def _names(order: TextOrder) -> Sequence[str]:
    """What the classes are called, by their positions."""
    return order.classes or (f"other than {order.positive!r}", repr(order.positive))


def _check_enough(order: TextOrder, positions: npt.NDArray[np.int64]) -> None:
    """Every fold has to have some of each class.

    Args:
        order: what to learn.
        positions: of the classes of different sentences.
    """
    names = _names(order)
    counts = np.bincount(positions, minlength=len(names))
    if counts.min() < 2 * FOLDS:
        raise CannotLearn(
            f"text head {order.name!r}: {counts.min()} different sentences are labelled "
            f"{names[int(counts.argmin())]}; needed are {2 * FOLDS} of each label"
        )


def _fit(tokens: npt.NDArray[np.object_], positions: npt.NDArray[np.int64]) -> Pipeline:
    vectorizer = TfidfVectorizer(
        token_pattern="[^ ]+",  # noqa: S106  # no secret: what stands between spaces
        lowercase=False,
        ngram_range=(1, 2),
        min_df=_LEAST_SENTENCES,
    )
    model = make_pipeline(vectorizer, LogisticRegression(C=_INVERSE_PENALTY, solver="newton-cg"))
    try:
        return model.fit(tokens, positions)
    except ValueError:  # scikit-learn's only word for it: no term is left
        raise CannotLearn(
            f"no word is in {_LEAST_SENTENCES} sentences or more; a text head needs sentences that have words in common"
        ) from None


def _export(model: Pipeline) -> bytes:
    vectorizer, classifier = model
    return build_text_graph(
        vectorizer.get_feature_names_out().tolist(), vectorizer.idf_, classifier.coef_.T, classifier.intercept_
    )


def _scores(model: Pipeline, texts: Sequence[str], order: TextOrder) -> FloatArray:
    return _of_outputs(model.predict_proba([joined(text) for text in texts]), order)


def _of_outputs(probabilities: FloatArray, order: TextOrder) -> FloatArray:
    """Those that are features: of a sentiment what is positive alone."""
    return probabilities[:, 1:] if order.kind == SENTIMENT else probabilities


def _judge(order: TextOrder, predicted: FloatArray, positions: npt.NDArray[np.int64]) -> dict[str, object]:
    """How good the head is on sentences of folds that it was not fitted on."""
    best = predicted.argmax(axis=1)
    figures = {
        "accuracy": float(accuracy_score(positions, best)),
        "log_loss": float(log_loss(positions, predicted)),
    }
    if order.kind == SENTIMENT:
        figures["roc_auc"] = float(roc_auc_score(positions, predicted[:, 1]))
    most_frequent = float(np.bincount(positions).max() / len(positions))
    return {
        "figures": figures,
        "baseline": {"what": "the most frequent label for all", "figures": {"accuracy": most_frequent}},
        "confusion": {"classes": list(_names(order)), "counts": confusion_matrix(positions, best).tolist()},
    }


def _phrase(order: TextOrder, column: int) -> str:
    if order.kind == SENTIMENT:
        return f"how likely a text is positive: {order.title}"
    return f"how likely a text is of {order.classes[column]}: {order.title}"
