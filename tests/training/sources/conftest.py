"""Small records, read by a configuration as a user writes it; the real ones, where they are."""

from collections.abc import Callable
from pathlib import Path

import pytest

from training.configuration.configuration import read_configuration
from training.sources.table import Reading, read_table

DATA = Path(__file__).parents[4] / "shared" / "data"
HEADS = '\n[[segmentations]]\nname = "stage"\nmethod = "kmeans"\n'

Read = Callable[[str, str], Reading]


def read_text(folder: Path, toml: str) -> Reading:
    """The table of a configuration in a folder with its data; limits are off unless the text has them."""
    path = folder / "shop.toml"
    limits = "" if "[quality]" in toml else "\n[quality]\nleast_rows = 0\nleast_positives = 0\n"
    path.write_text('[model]\nname = "shop"\n' + toml + HEADS + limits, encoding="utf-8")
    configuration = read_configuration(path)
    assert configuration.rows is not None
    return read_table(
        configuration.rows,
        configuration.features,
        configuration.labels,
        attributes=configuration.attributes,
        folders=configuration.folders(None),
        limits=configuration.quality,
    )


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """The table of the text of a CSV file, rows.csv, by the text of a configuration without [model] and heads."""

    def read_csv(toml: str, csv: str) -> Reading:
        (tmp_path / "rows.csv").write_text(csv, encoding="utf-8")
        return read_text(tmp_path, toml)

    return read_csv


@pytest.fixture
def data() -> Path:
    """The folder of real records."""
    if not DATA.is_dir():
        pytest.skip("no real records at ../shared/data")
    return DATA
