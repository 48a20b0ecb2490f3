"""An importer into a repository of the test's own."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from server.bundle import read_bundle
from server.model import Model, load_model
from training.features import Features
from training.imports.order import read_order
from training.imports.version import Imported, import_model

Import = Callable[..., Imported]


@pytest.fixture
def imported(tmp_path: Path) -> Import:
    """Imports a graph by the text of a TOML file, which need not name the model."""

    def run(path: Path, text: str, *, model: str = "shop") -> Imported:
        config = tmp_path / "model.toml"
        config.write_text(f'model = "{model}"\n{text}', encoding="utf-8")
        repository = tmp_path / "repository"
        repository.mkdir(exist_ok=True)
        return import_model(path, read_order(config), repository, seed=0)

    return run


def served(one: Imported) -> Model:
    """The version as a server loads it."""
    return load_model(read_bundle(one.folder), largest_batch=4)


def original(path: Path, feed: dict[str, object], output: str) -> Features:
    """What ONNX Runtime says of the file as it came."""
    answer: Features = onnxruntime.InferenceSession(path).run([output], feed)[0]
    return answer


def visitors(count: int, seed: int = 1) -> Features:
    """Rows in the range of the features of graphs.NUMBERS."""
    generator = np.random.default_rng(seed)
    columns = [generator.uniform(0, 90, count), generator.poisson(4, count), generator.integers(0, 3, count)]
    return np.column_stack(columns).astype(np.float32)
