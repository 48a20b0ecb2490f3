from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.benchmarks.training.everyone import Failed, generate, run
from tests.benchmarks.training.made import visitors


def test_generated_visitors(tmp_path: Path) -> None:
    """As many as wanted, each with a name of its own and values that real rows have."""
    generate(tmp_path / "everyone.parquet", visitors(20), 1_000)
    made = pq.read_table(tmp_path / "everyone.parquet")

    assert made.column_names == ["visitor", "x", "device"]
    assert len(set(made["visitor"].to_pylist())) == len(made) == 1_000
    assert set(made["device"].to_pylist()) <= {"phone", "desktop"}
    assert set(made["x"].to_pylist()) <= set(visitors(20).features[:, 0].tolist())


def test_command_that_fails(tmp_path: Path) -> None:
    """What it said is the reason."""
    with pytest.raises(Failed, match="there is no command 'everybody'"):
        run(["everybody"], tmp_path)


def test_command_that_works(tmp_path: Path) -> None:
    """Its seconds and its memory are its own, however large who asks for it is."""
    large = bytearray(b"x" * 600_000_000)
    spent = run(["--help"], tmp_path)

    assert spent.wall_s > 0
    assert 1 < spent.peak_mb < len(large) / 1e6
    assert "train" in (tmp_path / "command.log").read_text()
