import io
import json

from rich.console import Console

from tests.benchmarks.figures import Figure
from tests.benchmarks.report import record, table, versions
from tests.benchmarks.spread import spread

FIGURES = (
    Figure("closed32_over_floor", "", spread([1.25, 1.0, 1.5])),
    Figure("closed32_over_mosec", "", None, "wrk is not there"),
    Figure("batch64_rows_per_s", "rows/s", spread([90_000.0]), "one round"),
)


def printed() -> list[str]:
    """The table's lines as a terminal that is wide enough shows them."""
    screen = io.StringIO()
    Console(file=screen, width=200).print(table(FIGURES))
    return screen.getvalue().splitlines()


def line_of(name: str) -> str:
    """The table's line of one figure."""
    return next(line for line in printed() if name in line)


def test_table_says_the_verdict_of_every_bar() -> None:
    """A line has the median, the range, the bar and whether it holds; one that was not measured says why."""
    assert all(word in line_of("over_floor") for word in ("1.25", "1 to 1.5", ">= 1", "holds"))
    assert all(word in line_of("over_mosec") for word in (">= 3", "not known", "wrk is not there"))
    assert all(word in line_of("batch64") for word in ("90,000 rows/s", ">= 100,000", "missed", "one round"))


def test_record_is_json_with_every_round() -> None:
    """A program finds each figure by its name, null where there is none, with what was measured in every round."""
    document = json.loads(json.dumps(record(FIGURES, {"command": "bench --quick"}), allow_nan=False))

    assert document["command"] == "bench --quick"
    assert document["values"] == {
        "closed32_over_floor": 1.25,
        "closed32_over_mosec": None,
        "batch64_rows_per_s": 90_000.0,
    }
    assert document["figures"]["closed32_over_floor"]["rounds"] == [1.25, 1.0, 1.5]
    assert document["figures"]["closed32_over_mosec"]["note"] == "wrk is not there"
    assert document["figures"]["batch64_rows_per_s"]["holds"] is False


def test_infinite_figure_is_null_in_the_record() -> None:
    """A percentile of nothing answered is no number of JSON."""
    figures = [Figure("half_load_p99_ms", "ms", spread([float("inf")]))]

    document = record(figures, {})

    assert json.loads(json.dumps(document, allow_nan=False))["values"] == {"half_load_p99_ms": None}


def test_versions_are_those_that_a_request_runs_through() -> None:
    """Figures without versions cannot be compared later."""
    assert versions().keys() >= {"python", "grpcio", "numpy", "onnxruntime"}
