from pathlib import Path

import pytest

from tests.training import shop
from training.configuration.configuration import SHIPPED, read_configuration
from training.configuration.section import BadConfig
from training.orders import Orders, read_orders
from training.outcomes.order import OutcomeOrder
from training.special_order import SpecialOrder


def _read(folder: Path, text: str) -> Orders:
    (folder / "shop.toml").write_text(text)
    return read_orders(read_configuration(folder / "shop.toml"))


def test_everything_is_read(tmp_path: Path) -> None:
    """Every segmentation and outcome is ordered as the file has it, in its order, without a look at any record."""
    more = '[gates]\nminimum_auc = 0.6\n[approval]\npeople = ["Ada"]\n'
    orders = _read(tmp_path, shop.configuration(shop.SEGMENTATIONS, shop.OUTCOMES, shop.JUDGING + more))
    assert [one.name for one in orders.segmentations] == list(shop.SEGMENTATIONS)
    assert [one.name for one in orders.outcomes] == list(shop.OUTCOMES)
    assert [type(one) for one in orders.outcomes] == [OutcomeOrder] * 3 + [SpecialOrder] * 2
    assert orders.judging.bootstraps == 5
    assert orders.gates.every == {"minimum_auc": 0.6}
    assert (orders.approval.required, orders.approval.people) == (True, ("Ada",))
    assert (orders.events, orders.event_labels) == (None, {})


@pytest.mark.parametrize("file", sorted(SHIPPED.glob("*.toml")), ids=lambda file: file.stem)
def test_shipped(file: Path) -> None:
    """Every shipped configuration can be read whole."""
    orders = read_orders(read_configuration(file))
    assert orders.segmentations
    assert orders.outcomes


def test_features_of_attributes(tmp_path: Path) -> None:
    """A segmentation may be made of features of attributes too."""
    tier = (
        '[[attributes]]\nname = "crm"\npath = "crm.csv"\nentity = "customer"\npurpose = "ads"\n'
        '[[attributes.features]]\nname = "tier"\nkind = "number"\n'
    )
    value = {"value": 'method = "kmeans"\nfeatures = ["tier", "spend"]'}
    assert _read(tmp_path, shop.configuration(value, {}) + tier).segmentations[0].features == ("tier", "spend")
    with pytest.raises(BadConfig, match=r"features has 'tier', which is no feature; there are recency_days"):
        _read(tmp_path, shop.configuration(value, {}))


def test_known_at(tmp_path: Path) -> None:
    """When features were known can be looked at where rows have a time."""
    text = shop.configuration({"value": shop.SEGMENTATIONS["value"]}, {}) + 'known_at = { spend = "spent_ms" }\n'
    with pytest.raises(BadConfig, match=r"known_at is compared with the moments of rows; needed is time in \[data\]"):
        _read(tmp_path, text)
    orders = _read(tmp_path, text.replace("entity =", 'time = "day"\nentity ='))
    assert orders.judging.known_at == {"spend": "spent_ms"}
