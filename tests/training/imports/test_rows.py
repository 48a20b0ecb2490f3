"""Rows that a model is tried on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from tests.training.imports.conftest import Import, served, visitors
from tests.training.imports.graphs import NUMBERS, PROPENSITY, boosted_trees, network, segments
from training.configuration.section import BadConfig
from training.features import Features
from training.imports.order import read_order
from training.imports.rows import make_rows

BUYS = PROPENSITY + 'output = "output"\n'
WORDS = np.array(["phone", "tablet", "desktop"])


def _table(rows: Features) -> pa.Table:
    words = WORDS[rows[:, 2].astype(int)]
    return pa.table({"device": words, "spare": words, "visits": rows[:, 1], "recency_days": rows[:, 0]})


def _npz(rows: Features, path: Path) -> None:
    np.savez(path, device=WORDS[rows[:, 2].astype(int)], visits=rows[:, 1], recency_days=rows[:, 0])


def _structured(rows: Features, path: Path) -> None:
    kinds = [("device", "U9"), ("visits", "f4"), ("recency_days", "f4")]
    np.save(path, np.array([(WORDS[int(d)], v, r) for r, v, d in rows.tolist()], dtype=kinds))


WRITERS: dict[str, Callable[[Features, Path], Any]] = {
    "rows.csv": lambda rows, path: pyarrow.csv.write_csv(_table(rows), path),
    "rows.parquet": lambda rows, path: pyarrow.parquet.write_table(_table(rows), path),
    "rows.npz": _npz,
    "named.npy": _structured,
    "plain.npy": lambda rows, path: np.save(path, rows),
}


def _rows(tmp_path: Path, path: Path | None, text: str = NUMBERS) -> Any:
    config = tmp_path / "model.toml"
    config.write_text(f'model = "shop"\n{text}{BUYS}', encoding="utf-8")
    return make_rows(path, read_order(config).columns, seed=0)


@pytest.mark.parametrize("name", WRITERS)
def test_kinds_of_files(tmp_path: Path, name: str) -> None:
    """Rows are read by feature name from every kind of file, words as their positions."""
    rows = visitors(20)
    WRITERS[name](rows, tmp_path / name)
    read, _ = _rows(tmp_path, tmp_path / name)
    np.testing.assert_array_equal(read.real, rows)
    assert read.replaced == {}


def test_missing_values(tmp_path: Path) -> None:
    """What is missing, out of range or unknown becomes what a server would make of it, and is counted."""
    text = "recency_days,visits,device\n91,1,phone\n,2,\n20,NaN,fridge\n40,-1,tablet\n"
    (tmp_path / "rows.csv").write_text(text, encoding="utf-8")
    read, _ = _rows(tmp_path, tmp_path / "rows.csv")
    assert read.real.tolist() == [[30, 1, 0], [30, 2, 0], [20, 2, 2], [40, 2, 1]]
    assert read.replaced == {"recency_days": 2, "visits": 2, "device": 1}


def test_defaults_from_rows(tmp_path: Path) -> None:
    """Without a default in the file it is the rows' median, or most frequent word."""
    text = "recency_days,visits,device\n1,1,phone\n2,2,tablet\n9,400,tablet\n"
    (tmp_path / "rows.csv").write_text(text, encoding="utf-8")
    without = "\n".join(line for line in NUMBERS.splitlines() if not line.startswith("default"))
    read, defaults = _rows(tmp_path, tmp_path / "rows.csv", without)
    assert defaults.tolist() == [2, 2, 1]
    edges = read.values[read.real_count :].tolist()
    assert edges == [[2, 2, 1], [0, 2, 1], [90, 2, 1], [2, 0, 1], [2, 2, 0], [2, 2, 2]]
    with pytest.raises(BadConfig, match="feature 'recency_days': default is needed, what a missing value becomes"):
        _rows(tmp_path, None, without)


def test_drawn(tmp_path: Path) -> None:
    """Without a file rows are drawn within the ranges, the same for the same seed."""
    read, _ = _rows(tmp_path, None)
    again, _ = _rows(tmp_path, None)
    assert read.real_count == 0
    assert (read.values.min(axis=0) >= 0).all()
    assert read.values[:, 0].max() <= 90
    assert set(read.values[:, 2]) == {0, 1, 2}
    np.testing.assert_array_equal(read.values, again.values)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("absent.csv", None, r"absent\.csv cannot be read: "),
        ("rows.txt", b"", r"rows is 'rows\.txt'; needed is a file of the kind \.csv, \.parquet, \.npz, \.npy"),
        ("rows.csv", b"recency_days,visits\n1,2\n", "lack the feature device; its column must be called like that"),
        ("rows.csv", b"recency_days,visits,device\n", r"are none; needed is one at least"),
        ("rows.csv", b"recency_days,visits,device\nx,2,phone\n", "cannot be read: .*invalid value 'x'"),
        ("rows.parquet", b"no parquet", "cannot be read: "),
        ("rows.npz", b"no archive", "cannot be read: "),
    ],
)
def test_bad_files(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    """A file that cannot be used is refused with the reason."""
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadConfig, match=message):
        _rows(tmp_path, path)


def test_wrong_shape(tmp_path: Path) -> None:
    """A matrix of another width than the features is refused."""
    np.save(tmp_path / "rows.npy", visitors(5)[:, :2])
    with pytest.raises(BadConfig, match=r"its shape is \(5, 2\); needed is \(rows, 3\)"):
        _rows(tmp_path, tmp_path / "rows.npy")


def test_unknown_word(tmp_path: Path) -> None:
    """A word that is not in the vocabulary is refused where no word stands for the others."""
    (tmp_path / "rows.csv").write_text("recency_days,visits,device\n1,1,fridge\n", encoding="utf-8")
    with pytest.raises(BadConfig, match=r"the rows have 'fridge' as device; its vocabulary is \['phone', 'tablet'"):
        _rows(tmp_path, tmp_path / "rows.csv", NUMBERS.replace('other = "desktop"', ""))


def test_enough_rows(imported: Import, tmp_path: Path) -> None:
    """From 100 rows on the version says how scores and features are distributed, and what sets segments apart."""
    rows = visitors(150)
    np.save(tmp_path / "rows.npy", rows)
    text = 'rows = "rows.npy"\n' + NUMBERS + PROPENSITY + 'output = "probabilities"\ncolumn = 1\n'
    text += segments('segment = {output = "label"}', "label = 1", "label = 0", "label = 7")
    manifest = imported(boosted_trees(tmp_path / "trees.onnx"), text).manifest
    scores = served(imported(tmp_path / "trees.onnx", text)).run(rows)
    assert manifest.parity.row_count == 150
    assert manifest.heads[0].distribution.quantiles[500] == pytest.approx(np.median(scores[:, 0]))
    assert manifest.feature_distributions[0].mean == pytest.approx(rows[:, 0].mean(dtype=np.float64))
    new, loyal, lapsed = manifest.heads[1].segments
    assert [s.share for s in (new, loyal, lapsed)] == pytest.approx([(scores[:, 1] == i).mean() for i in range(3)])
    strongest = loyal.traits[0]
    inside = rows[scores[:, 1] == 1, 0].astype(np.float64)
    assert strongest.feature == "recency_days"
    assert strongest.mean == pytest.approx(inside.mean())
    assert strongest.effect == pytest.approx(
        (inside.mean() - rows[:, 0].mean(dtype=float)) / rows[:, 0].std(dtype=float)
    )
    assert {trait.feature for trait in loyal.traits} == {"recency_days", "visits"}
    assert not lapsed.traits


def test_too_few_rows(imported: Import, tmp_path: Path) -> None:
    """With fewer, or drawn ones, nothing is said of how anything is distributed."""
    np.save(tmp_path / "rows.npy", visitors(99))
    for text in ('rows = "rows.npy"\n', ""):
        manifest = imported(network(tmp_path / "net.onnx"), text + NUMBERS + BUYS).manifest
        assert not manifest.heads[0].HasField("distribution")
        assert not manifest.feature_distributions
        assert manifest.parity.row_count == (99 if text else 0)
