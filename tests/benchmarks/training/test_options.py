import pytest

from tests.benchmarks.training.options import PARTS, SHIPPED, parse
from training.configuration.configuration import shipped


def test_everything_is_measured_by_default() -> None:
    """Without arguments every part runs, with every configuration that is shipped."""
    asked = parse([])

    assert asked.parts == PARTS
    assert set(asked.configurations) == set(SHIPPED) == set(shipped()) - {"telecom_methods"}


def test_quick_is_less_of_the_same() -> None:
    """All parts, each smaller, unless its size is given."""
    quick, whole = parse(["--quick"]), parse([])

    assert quick.parts == PARTS
    assert set(quick.configurations) < set(whole.configurations)
    assert quick.base_rows < whole.base_rows
    assert quick.fitted_rows < whole.fitted_rows
    assert parse(["--quick", "--base-rows", "10000000"]).base_rows == 10_000_000


def test_parts_are_chosen() -> None:
    """Only what is named runs, in the order of the table."""
    assert parse(["--only", "events", "parity"]).parts == ("parity", "events")
    assert parse(["--configurations", "telecom"]).configurations == ("telecom",)
    assert parse(["--events", "1000", "2000"]).events == (1000, 2000)


@pytest.mark.parametrize("arguments", [["--rounds", "0"], ["--base-rows", "-1"], ["--configurations", "shop"]])
def test_impossible_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The process ends with status 2 and says what would be right."""
    with pytest.raises(SystemExit) as ended:
        parse(arguments)

    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert "needed is at least 1" in error or "telecom" in error
