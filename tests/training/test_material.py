from pathlib import Path

import numpy as np
import pytest

from tests.training import shop
from tests.training.test_command import TINY
from training.configuration.configuration import read_configuration
from training.configuration.section import BadConfig
from training.material import Material, fingerprint, read_material, read_newest
from training.orders import Orders, read_orders

_DATED = TINY.replace("entity =", 'time = "day"\nentity =')


def _orders(folder: Path, text: str) -> Orders:
    rows = shop.records(count=120)
    shop.write_records(
        folder / "shop.csv",
        [{**row, "day": "2026-05-01" if i < 50 else "2026-06-01", "ms": 1_000 * i} for i, row in enumerate(rows)],
    )
    (folder / "shop.toml").write_text(text)
    return read_orders(read_configuration(folder / "shop.toml"))


@pytest.fixture
def dated(tmp_path: Path) -> Material:
    """Rows of two days, 50 and 70."""
    return read_material(_orders(tmp_path, _DATED), None, None)


def test_rows(tmp_path: Path) -> None:
    """Rows without a time are all of now, and say so."""
    material = read_material(_orders(tmp_path, TINY), None, None)
    assert len(material.newest) == len(material.table) == 120
    assert (material.until_ms, material.data) == (0, "made up")
    assert set(material.table.columns) == {"gender", "leaflet"}


def test_newest(dated: Material, tmp_path: Path) -> None:
    """The newest rows are those of the last day, and the records end just after it."""
    assert len(dated.table) == 120
    assert len(dated.newest) == 70
    assert dated.until_ms == 1_780_272_000_001
    np.testing.assert_array_equal(read_newest(_orders(tmp_path, _DATED), None, None).features, dated.newest.features)


def test_without(dated: Material) -> None:
    """Features that are left out are gone from every row, and the others stay; an unknown one is named."""
    less = dated.without({"visits", "country"})
    assert [spec.name for spec in less.table.specs] == ["recency_days", "spend", "tenure_days", "is_app"]
    np.testing.assert_array_equal(less.table.features, dated.table.features[:, [0, 2, 3, 4]])
    assert dated.without(()) is dated
    with pytest.raises(BadConfig, match="there is no feature 'shoe_size' to leave out; there are recency_days, visits"):
        dated.without({"shoe_size"})


def test_columns_that_are_judged_by(tmp_path: Path) -> None:
    """Columns of fairness, of when features were known, and of who was treated are kept, and are no features."""
    helped = shop.tables("outcomes", {"helped": shop.OUTCOMES["helped"]})
    text = _DATED.replace('columns = ["gender", "leaflet"]\n', "").replace("[judging]\n", f"{helped}[judging]\n")
    orders = _orders(tmp_path, f'{text}fairness = ["gender"]\nknown_at = {{ visits = "ms" }}\n')
    material = read_material(orders, None, None)
    assert set(material.table.columns) == {"gender", "leaflet", "ms"}
    assert "ms" not in [spec.name for spec in material.table.specs]


def test_fingerprint(tmp_path: Path) -> None:
    """It changes with the configuration and the records, wherever they are, and with nothing else."""
    orders = _orders(tmp_path, TINY)
    first = fingerprint(orders, None)
    (tmp_path / "other.csv").write_text("not looked at")
    assert fingerprint(orders, None) == first
    assert fingerprint(orders, tmp_path / "absent") != first
    with (tmp_path / "shop.csv").open("a") as file:
        file.write("one more line\n")
    assert fingerprint(orders, None) != first
    (tmp_path / "shop.toml").write_text(f"{TINY}# more\n")
    assert fingerprint(orders, None) != first


def test_fingerprint_of_other_files(tmp_path: Path) -> None:
    """The records of attributes and the file of an audience count as well."""
    attribute = (
        '[[attributes]]\nname = "crm"\npath = "crm/now.csv"\nentity = "customer"\npurpose = "ads"\n'
        '[[attributes.features]]\nname = "tier"\nkind = "category"\n'
    )
    alike = shop.tables("outcomes", {"alike": 'kind = "lookalike"\naudience_file = "members.txt"'})
    orders = _orders(tmp_path, TINY + alike + attribute)
    found = [fingerprint(orders, None)]
    (tmp_path / "members.txt").write_text("v0001\n")
    found.append(fingerprint(orders, None))
    (tmp_path / "crm").mkdir()
    (tmp_path / "crm" / "now.csv").write_text("customer,tier\nv0001,gold\n")
    found.append(fingerprint(orders, None))
    assert len(set(found)) == 3
