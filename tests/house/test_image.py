import sys
from pathlib import Path

from tests.house.dockerfile import our_stages
from tests.house.image import faults


def test_what_does_not_belong_in_an_image_is_found() -> None:
    """The development environment would be refused: it has everything that the image must not have."""
    found = faults(our_stages()[1], Path(sys.prefix))

    assert {f"{name} is in the image" for name in ("training", "loadtest", "sklearn", "onnx", "pip")} <= set(found)
    assert any(fault.endswith("is not in the lock") for fault in found)
    assert any(fault.endswith("is not the image's own") for fault in found)
