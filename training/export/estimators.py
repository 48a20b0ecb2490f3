"""Estimators of other libraries in a graph, by their converters."""

import copy

import lightgbm
import numpy as np
import onnx
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType as GivenType
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.base import BaseEstimator

from training.errors import NotTrained
from training.export.nodes import ML, Nodes
from training.export.trees import as_regression, rounded_down, sums

OPSET = 18
ML_OPSET = 3
_INPUT = "given"
_THRESHOLDS = "threshold="  # a line of LightGBM's text for each tree
_SIZES = "tree_sizes="  # lengths of the trees' texts, which need not be there
_OPSET_OF_LIGHTGBM = 15  # the newest that onnxmltools 1.16 knows; what it writes means the same in 18


class NotExportable(NotTrained):
    """A fitted head has no graph. The text says which estimator, and what its converter said."""


def emit_estimator(nodes: Nodes, estimator: BaseEstimator, features: str, **options: object) -> list[str]:
    """What the converter makes of an estimator that was fitted on all features; names of its outputs.

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


def emit_trees(nodes: Nodes, estimator: BaseEstimator, features: str) -> str:
    """The sums of an ensemble's leaves, float32 [rows, targets]: log odds of boosted trees, shares of a forest.

    Args:
        nodes: of the graph.
        estimator: fitted on all features: a tree, a forest, boosted trees of scikit-learn or LightGBM.
        features: name of float32 [rows, features].

    Raises:
        NotExportable: it has no converter, or that fails.
        NoTrees: it is not one ensemble of trees.
    """
    options: dict[str, object] = {"zipmap": False} if hasattr(estimator, "classes_") else {}
    return nodes.add("TreeEnsembleRegressor", features, **sums(_converted(estimator, options).graph))


def _converted(estimator: BaseEstimator, options: dict[str, object]) -> onnx.ModelProto:
    convert = _of_lightgbm if isinstance(estimator, lightgbm.LGBMModel) else _of_sklearn
    try:
        model: onnx.ModelProto = convert(estimator, options)
    except Exception as error:  # the converters' errors share no narrower class, and quote whole forests
        reason = f"{type(error).__name__}: {str(error)[:300]}"
        converter = "onnxmltools" if convert is _of_lightgbm else "skl2onnx"
        raise NotExportable(f"{converter} cannot convert {type(estimator).__name__}: {reason}") from None
    return model


def _of_sklearn(estimator: BaseEstimator, options: dict[str, object]) -> onnx.ModelProto:
    estimator = _with_float32_thresholds(estimator)
    model: onnx.ModelProto = to_onnx(
        estimator,
        initial_types=[(_INPUT, FloatTensorType([None, estimator.n_features_in_]))],
        options={id(estimator): options} if options else None,
        target_opset={"": OPSET, ML: ML_OPSET},
    )
    return model


def _with_float32_thresholds(estimator: BaseEstimator) -> BaseEstimator:
    """A copy of histogram boosting that decides alike on float32; skl2onnx 1.20 does that itself for other trees."""
    if not hasattr(estimator, "_predictors"):
        return estimator
    copied = copy.deepcopy(estimator)
    for tree in (tree for iteration in copied._predictors for tree in iteration):  # noqa: SLF001  # nowhere public
        tree.nodes["num_threshold"] = rounded_down(tree.nodes["num_threshold"])
    return copied


def _of_lightgbm(estimator: lightgbm.LGBMModel, options: dict[str, object]) -> onnx.ModelProto:
    """What onnxmltools 1.16 makes: of ai.onnx.ml version 1 alone, which means the same in 3."""
    model: onnx.ModelProto = convert_lightgbm(
        _with_float32_booster(estimator),
        initial_types=[(_INPUT, GivenType([None, estimator.n_features_in_]))],
        target_opset=_OPSET_OF_LIGHTGBM,
        zipmap=bool(options.get("zipmap", False)),
    )
    return model


def _with_float32_booster(estimator: lightgbm.LGBMModel) -> lightgbm.LGBMModel:
    """A copy that decides alike on float32 and has float32 thresholds; onnxmltools rounds to the nearest."""
    lines = estimator.booster_.model_to_string().splitlines()
    kept = [_rounded_line(line) for line in lines if not line.startswith(_SIZES)]
    copied: lightgbm.LGBMModel = copy.copy(estimator)
    copied._Booster = lightgbm.Booster(model_str="\n".join(kept) + "\n")  # noqa: SLF001  # nowhere public
    return copied


def _rounded_line(line: str) -> str:
    if not line.startswith(_THRESHOLDS):
        return line
    thresholds = np.array(line.removeprefix(_THRESHOLDS).split(), dtype=np.float64)
    return _THRESHOLDS + " ".join(repr(float(value)) for value in rounded_down(thresholds))
