"""evaluation.json: its parts, put together and made plain. docs/evaluation.md says what each means."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Entry = dict[str, Any]
Figures = dict[str, float]

FORMAT = 1


def document(  # noqa: PLR0913  # one argument for each part of the file
    *,
    model: Mapping[str, Any],
    quality: Mapping[str, Any] | None = None,
    leakage: Sequence[Mapping[str, Any]] = (),
    parity: Mapping[str, Any] | None = None,
    segmentations: Mapping[str, Mapping[str, Any]],
    overlap: Mapping[str, Any] | None = None,
    outcomes: Mapping[str, Mapping[str, Any]],
    journeys: Sequence[Mapping[str, Any]] = (),
    texts: Mapping[str, Mapping[str, Any]] | None = None,
    gates: Sequence[Mapping[str, Any]] = (),
    approval: Mapping[str, Any] | None = None,
) -> Entry:
    """The whole of evaluation.json, as plain values."""
    parts: Entry = {
        "format": FORMAT,
        "model": model,
        "quality": quality,
        "leakage": leakage,
        "parity": parity,
        "segmentations": segmentations,
        "overlap": overlap,
        "outcomes": outcomes,
        "journeys": journeys,
        "texts": texts or {},
        "gates": gates,
        "approval": approval,
    }
    return {name: plain(part) for name, part in parts.items()}


def plain(value: object) -> Any:  # noqa: ANN401  # whatever JSON can hold
    """As JSON knows it: NumPy's numbers as Python's, arrays and tuples as lists, NaN and infinities as None."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
