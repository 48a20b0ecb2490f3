"""Estimators of other libraries in a graph, by their converters."""

import onnx
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.base import BaseEstimator

from training.export.nodes import ML, Nodes
from training.export.trees import as_regression

OPSET = 18
ML_OPSET = 3
_INPUT = "given"


class NotExportable(Exception):
    """A fitted head has no graph. The text says which estimator, and what its converter said."""


def emit_estimator(nodes: Nodes, estimator: BaseEstimator, features: str, **options: object) -> list[str]:
    """What skl2onnx makes of an estimator that was fitted on all features; names of its outputs.

    Args:
        nodes: of the graph.
        estimator: fitted; it knows the number of its features.
        features: name of float32 [rows, features].
        options: of its converter.

    Raises:
        NotExportable: it has no converter, or that fails.
    """
    return nodes.graft(_converted(estimator, options).graph, features)


def emit_probability(nodes: Nodes, classifier: BaseEstimator, features: str) -> str:
    """The second class's probability of a classifier of two, float32 [rows, 1]; see emit_estimator."""
    before = len(nodes.protos)
    _, probabilities = emit_estimator(nodes, classifier, features, zipmap=False)
    if as_regression(nodes.protos[before:], probabilities):
        return probabilities
    return nodes.gather(probabilities, (1,), 2)


def _converted(estimator: BaseEstimator, options: dict[str, object]) -> onnx.ModelProto:
    try:
        model: onnx.ModelProto = to_onnx(
            estimator,
            initial_types=[(_INPUT, FloatTensorType([None, estimator.n_features_in_]))],
            options={id(estimator): options} if options else None,
            target_opset={"": OPSET, ML: ML_OPSET},
        )
    except Exception as error:  # skl2onnx's errors share no narrower class, and quote whole forests
        reason = f"{type(error).__name__}: {str(error)[:300]}"
        raise NotExportable(f"skl2onnx cannot convert {type(estimator).__name__}: {reason}") from None
    return model
