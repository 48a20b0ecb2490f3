import json

import numpy as np

from training.judging.document import document, plain


def test_plain() -> None:
    """NumPy's values become Python's, at any depth; what JSON cannot say becomes null."""
    value = {"a": np.float32(0.5), 1: (np.int64(2), np.array([1.0, np.nan])), "b": [float("inf"), np.bool_(True), None]}
    assert plain(value) == {"a": 0.5, "1": [2, [1.0, None]], "b": [None, True, None]}


def test_document() -> None:
    """Every part is there, whatever was left out, and JSON can hold it."""
    found = document(model={"name": "shop"}, segmentations={}, outcomes={"buys": {"figures": {"roc_auc": np.nan}}})
    assert json.loads(json.dumps(found, allow_nan=False)) == {
        "format": 1,
        "model": {"name": "shop"},
        "quality": None,
        "leakage": [],
        "parity": None,
        "segmentations": {},
        "overlap": None,
        "outcomes": {"buys": {"figures": {"roc_auc": None}}},
        "journeys": [],
        "texts": {},
        "gates": [],
        "approval": None,
    }
