"""The file of what is set aside."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from training.quality.set_aside import Aside, write_set_aside


def _aside(column: str, rows: list[int], values: list[str | None]) -> Aside:
    return Aside(
        source="records",
        reason="is no number",
        column=column,
        rows=np.array(rows, dtype=np.int64),
        values=pa.array(values, pa.string()),
    )


def test_file(tmp_path: Path) -> None:
    """One line for each row or value, in the order in which they were found."""
    path = write_set_aside(tmp_path, [_aside("visits", [3, 5], ["x", None]), _aside("", [1], [None])])
    assert path == tmp_path / "set_aside.parquet"
    assert pyarrow.parquet.read_table(path).to_pydict() == {
        "source": ["records"] * 3,
        "row": [3, 5, 1],
        "column": ["visits", "visits", ""],
        "value": ["x", None, None],
        "reason": ["is no number"] * 3,
    }


def test_nothing(tmp_path: Path) -> None:
    """A file without lines where nothing is set aside."""
    assert pyarrow.parquet.read_table(write_set_aside(tmp_path, [])).num_rows == 0


def test_first_time(tmp_path: Path) -> None:
    """The folder is made, as the first training in a place has none."""
    assert write_set_aside(tmp_path / "training" / "shop", []).is_file()


def test_numbered_anew() -> None:
    """Rows of a selection become the rows that were selected from."""
    assert _aside("visits", [0, 2], ["x", "y"]).at(np.array([4, 7, 9])).rows.tolist() == [4, 9]
