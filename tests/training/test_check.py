from pathlib import Path

import pyarrow.parquet
import pytest

from tests.training import shop
from tests.training.test_command import TINY
from training.check import main


def test_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Good records are counted; nothing is trained, and nothing written."""
    shop.write_records(tmp_path / "shop.csv", shop.records(count=150))
    (tmp_path / "shop.toml").write_text(TINY)
    assert main(["--config", str(tmp_path / "shop.toml")]) == 0
    out = capsys.readouterr().out
    assert "Records: 150 of 150 rows are used" in out
    assert out.endswith("150 rows of 150 visitors, 6 features\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["shop.csv", "shop.toml"]


def test_set_aside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rows that are not used, and values that cannot be read, are written with their reasons into a new folder."""
    rows = shop.records(count=160)
    rows[3] = {**rows[3], "customer": ""}
    rows[5] = {**rows[5], "visits": "many"}
    shop.write_records(tmp_path / "shop.csv", rows)
    (tmp_path / "shop.toml").write_text(TINY)
    aside = tmp_path / "new" / "aside"
    assert main(["--config", str(tmp_path / "shop.toml"), "--set-aside", str(aside)]) == 0
    assert "Records: 159 of 160 rows are used" in capsys.readouterr().out
    written = pyarrow.parquet.read_table(aside / "set_aside.parquet").to_pylist()
    assert {(line["row"], line["column"], line["value"]) for line in written} >= {(5, "visits", "many")}
    assert {line["row"] for line in written} == {3, 5}


def test_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Records that cannot be trained on end with status 1, after what was found of them."""
    shop.write_records(tmp_path / "shop.csv", shop.records(count=20))
    (tmp_path / "shop.toml").write_text(TINY)
    with pytest.raises(SystemExit) as caught:
        main(["--config", str(tmp_path / "shop.toml")])
    assert caught.value.code == 1
    out, err = capsys.readouterr()
    assert "20 rows are left" in " ".join(out.split())
    assert err.startswith("this cannot be trained: the records are refused: 20 rows are left")
