import pytest

from tests.benchmarks.errors import Unavailable, WrongAnswer
from tests.benchmarks.wrk import check, parse

OUTPUT = """\
Running 1s test @ http://127.0.0.1:8000/inference
  1 threads and 32 connections
  2000 requests in 2.00s, 1.00MB read

{"requests": 2000, "duration_us": 2000000, "status_errors": 100, "socket_errors": 7, "p50_us": 1500, "p99_us": 9000}
"""


def test_only_good_answers_count() -> None:
    """A refusal is an answer that came fast, and must not make a server look good."""
    said = parse(OUTPUT)

    assert said.ok_per_s == 950
    assert (said.p50_ms, said.p99_ms) == (1.5, 9.0)
    assert said.failed_count == 107


def test_output_of_another_kind_is_refused() -> None:
    """Without the script's line nothing was counted, and wrk's own words are passed on."""
    with pytest.raises(WrongAnswer, match="unable to connect"):
        parse("unable to connect to 127.0.0.1:8000")


def test_nothing_answered_is_refused() -> None:
    """A server that refuses everything has no throughput to compare with."""
    with pytest.raises(WrongAnswer, match="nothing was answered OK"):
        parse(OUTPUT.replace('"status_errors": 100', '"status_errors": 2000'))


def test_missing_wrk_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever lacks it is told what to install."""
    monkeypatch.setenv("PATH", "")

    with pytest.raises(Unavailable, match="apt-get install wrk"):
        check()
