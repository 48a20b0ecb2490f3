import pytest

from loadtest import objectives
from loadtest.errors import BadObjective
from loadtest.summary import summarize
from tests.loadtest.conftest import recorded


@pytest.mark.parametrize(
    ("text", "measure", "comparison", "limit"),
    [
        ("p99<5ms", "p99", "<", 5e6),
        ("p50<=250us", "p50", "<=", 250e3),
        ("p99.9<0.5s", "p99.9", "<", 0.5e9),
        (" p95 < 5 ms ", "p95", "<", 5e6),
        ("max<1s", "max", "<", 1e9),
        ("max>=1us", "max", ">=", 1e3),
        ("errors<0.1%", "errors", "<", 0.001),
        ("errors<0.001", "errors", "<", 0.001),
        ("errors<=0", "errors", "<=", 0.0),
        ("rate>495/s", "rate", ">", 495.0),
        ("rate>=0.5/s", "rate", ">=", 0.5),
    ],
)
def test_parse(text: str, measure: str, comparison: str, limit: float) -> None:
    """An objective is a measure, a comparison and a limit in nanoseconds, as a share, or per second."""
    objective = objectives.parse(text)
    assert (objective.measure, objective.comparison) == (measure, comparison)
    assert objective.limit == pytest.approx(limit)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "p99",
        "p99<5",
        "p99=5ms",
        "p100<5ms",
        "p99<-5ms",
        "p99<5%",
        "errors<5ms",
        "rate>495",
        "rate>495%",
        "mean<5ms",
    ],
)
def test_parse_refuses(text: str) -> None:
    """What is no objective is refused, and the error shows one that is right."""
    with pytest.raises(BadObjective, match="p99<5ms"):
        objectives.parse(text)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("p50<2ms", False),
        ("p50<=2ms", True),
        ("p50>2ms", False),
        ("p50>=2ms", True),
        ("p99<10s", False),  # one of four was not answered OK: it counts as never answered
        ("errors<25%", False),
        ("errors<=25%", True),
        ("rate>=750/s", True),
        ("rate>750/s", False),
    ],
)
def test_judge(text: str, *, holds: bool) -> None:
    """Objectives are compared with latencies from due times, the share of errors and the rate of answers."""
    summary = summarize(recorded([(0, 0, 2, 0), (1, 1, 3, 0), (2, 2, 3, 14), (3, 3, 4, 0)]))
    assert objectives.judge(objectives.parse(text), summary).holds is holds


@pytest.mark.parametrize("text", ["p99<5ms", "p99>5ms", "max<=1s", "errors<1%", "errors>=0"])
def test_judge_misses_what_was_not_measured(text: str) -> None:
    """When no request was due, no objective about latencies or errors holds."""
    summary = summarize(recorded([], window_ns=1))
    assert not objectives.judge(objectives.parse(text), summary).holds
