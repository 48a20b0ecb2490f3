import pytest

from tests.benchmarks.options import PARTS, parse


def test_everything_is_measured_by_default() -> None:
    """Without arguments every part runs, with rounds enough for a spread."""
    asked = parse([])

    assert asked.parts == PARTS
    assert asked.rounds >= 3
    assert asked.requests == 1_000_000


def test_quick_is_less_of_the_same() -> None:
    """All parts with fewer rounds, unless the rounds are given."""
    assert parse(["--quick"]).parts == PARTS
    assert parse(["--quick"]).requests == 50_000
    assert parse(["--quick", "--rounds", "7"]).rounds == 7


def test_parts_are_chosen() -> None:
    """Only what is named runs."""
    assert parse(["--only", "half", "memory"]).parts == ("half", "memory")


@pytest.mark.parametrize("arguments", [["--rounds", "0"], ["--seconds", "0"], ["--only", "all"], ["--seconds", "nan"]])
def test_impossible_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The process ends with status 2 and says what would be right."""
    with pytest.raises(SystemExit) as ended:
        parse(arguments)

    assert ended.value.code == 2
    assert "needed is" in capsys.readouterr().err or "all" in arguments
