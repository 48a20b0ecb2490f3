import pytest

from tests.training.broken.cases import CASES, Case
from tests.training.broken.conftest import Refusal


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_one_mistake(case: Case, refusal: Refusal) -> None:
    """Each mistake ends training with a sentence that says what is wrong, and the line where it has one."""
    said = refusal(case.text)
    assert case.says in said
    if case.at:
        assert said.startswith(f"shop.toml, line {case.line}")


def test_names_are_distinct() -> None:
    """A mistake is not tried twice under one name."""
    assert len({case.name for case in CASES}) == len(CASES) > 100


def test_another_encoding(refusal: Refusal) -> None:
    """A file in another encoding than UTF-8 is said to be one, with the line."""
    said = refusal(CASES[0].text.replace("A small shop", "Ein Geschäft").encode("latin-1"))
    assert said.startswith("shop.toml, line 3: the byte 0xe4 is not UTF-8; save the file as UTF-8")


def test_no_configuration(refusal: Refusal) -> None:
    """A folder, or nothing, in place of the file is named."""
    said = refusal("", "--config", "absent.toml")
    assert said.startswith("absent.toml cannot be read: ")
    assert refusal("").startswith("shop.toml: [model] is needed")
    assert "did you mean shop_orders?" in refusal("", "--config", "shop_order")
