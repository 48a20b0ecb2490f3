import io
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from loadtest import objectives, report
from loadtest.results import NEVER_NS, Status
from loadtest.summary import percentile, summarize
from tests.loadtest.conftest import recorded

# A server that answers in 1 ms stalls from 10 to 60 ms: the requests due meanwhile are sent when it is over.
STALL = [(i, i, i + 1, 0) for i in range(10)] + [(i, 60, 61, 0) for i in range(10, 60)]
STALL += [(i, i, i + 1, 0) for i in range(60, 100)]


def test_stall_shows_from_due_and_hides_from_sent() -> None:
    """A stall of 50 ms in 100 is in the latencies from due times; those from sending look as if nothing happened."""
    summary = summarize(recorded(STALL))
    assert percentile(summary.from_due_ns, 99) == 50e6
    assert percentile(summary.from_due_ns, 50) == 1e6
    assert percentile(summary.from_due_ns, 90) == 41e6
    assert percentile(summary.ok_from_sent_ns, 100) == 1e6


def test_lateness_says_that_the_generator_fell_behind() -> None:
    """Requests sent late are counted, and the report warns of them."""
    summary = summarize(recorded(STALL))
    assert summary.late_share == pytest.approx(0.49)  # the one due at 59 ms was sent exactly 1 ms late
    assert percentile(summary.lateness_ns, 100) == 50e6
    assert any("fell behind" in caution for caution in report.cautions(summary))


def test_a_generator_that_fell_behind_says_what_to_do() -> None:
    """More processes than there were, or fewer requests."""
    text = " ".join(report.cautions(summarize(recorded(STALL, processes=2))))
    assert "--processes 3" in text
    assert "lower --rate" in text


def test_a_busy_generator_of_a_closed_loop_says_that_the_server_may_take_more() -> None:
    """What a closed loop reaches is the generator's own limit when its thread was busy: a lower rate is no remedy."""
    rows = [(i, i, i + 1, 0) for i in range(10)]
    quiet = recorded(rows, rate_hz=0.0, concurrency=4)
    busy = recorded(rows, rate_hz=0.0, concurrency=4, busy_share=0.99)
    assert list(report.cautions(summarize(quiet))) == []
    (caution,) = report.cautions(summarize(busy))
    assert "99% of the time: the server may take more than this" in caution
    assert "--processes 2" in caution
    assert "--rate" not in caution


def test_troubles_of_connections_are_told() -> None:
    """What connections met is a caution, with how often."""
    run = recorded([(0, 0, 1, 0)], troubles={"Connection reset by peer": 3})
    assert list(report.cautions(summarize(run))) == ["Connections met trouble, 3 times: Connection reset by peer."]


def test_failures_count_as_never_answered() -> None:
    """A request that failed at once does not make the percentiles better; among the OK ones it has no part."""
    rows = [(i, i, i + 2, 0) for i in range(98)] + [(98, 98, 98, 14), (99, 99, 99, Status.BAD_REPLY)]
    summary = summarize(recorded(rows))
    assert percentile(summary.from_due_ns, 98) == 2e6
    assert math.isinf(percentile(summary.from_due_ns, 99))
    assert percentile(summary.ok_from_due_ns, 100) == 2e6
    assert summary.counts == {Status.OK: 98, Status.UNAVAILABLE: 1, Status.BAD_REPLY: 1}


def test_what_was_not_sent_or_not_answered_is_an_error() -> None:
    """Requests without an end are in the share of errors and in the cautions."""
    rows = [(0, 0, 1, 0), (1, 1, NEVER_NS, Status.NOT_ANSWERED), (2, NEVER_NS, NEVER_NS, Status.NOT_SENT), (3, 3, 3, 0)]
    summary = summarize(recorded(rows))
    assert summary.error_share == 0.5
    assert summary.late_share == 0.25
    text = " ".join(report.cautions(summary))
    assert "1 requests were never sent" in text
    assert "1 requests were not answered" in text


def test_rate_counts_answers_within_the_window() -> None:
    """Answers after the last due time plus one interval do not count for the rate: a backlog is not throughput."""
    assert summarize(recorded([(0, 0, 1, 0), (1, 1, 2, 0), (2, 2, 500, 0), (3, 3, 4, 0)])).rate_hz == 750


@given(
    values=st.lists(st.integers(0, 10**12), min_size=1, max_size=300),
    q=st.sampled_from([50.0, 90.0, 99.0, 99.9, 100.0]),
)
def test_percentile_is_the_nearest_rank(values: list[int], q: float) -> None:
    """At least q per cent of the latencies are no greater than the percentile, and it is the smallest such latency."""
    latencies = np.sort(np.array(values, np.float64))
    found = percentile(latencies, q)
    assert found in latencies
    assert (latencies <= found).sum() * 1000 >= round(q * 10) * len(latencies)
    assert (latencies < found).sum() * 1000 < round(q * 10) * len(latencies)


def test_report_names_every_figure() -> None:
    """The printed report has both readings of latency, the percentiles, the statuses and every objective's verdict."""
    summary = summarize(recorded([*STALL, (100, 100, 101, 14)]))
    verdicts = [objectives.judge(objectives.parse(text), summary) for text in ("p90<5ms", "errors<1%")]
    console = Console(file=io.StringIO(), width=140)
    report.show(summary, verdicts, console)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    for part in ("from due", "from sent", "p99.9", "max", "no answer", "UNAVAILABLE", "fell behind"):
        assert part in text
    assert "MISSED  p90<5ms  measured 42.000 ms" in text
    assert "holds   errors<1%  measured 0.9901%" in text


def test_document_is_json_without_infinity() -> None:
    """A percentile that was not answered is null, so that every JSON reader takes the document."""
    summary = summarize(recorded([(0, 0, 1, 0), (1, 1, 1, 14)]))
    document = json.loads(json.dumps(report.document(summary, []), allow_nan=False))
    assert document["latency_ms"]["from_due"]["p50"] == 1.0
    assert document["latency_ms"]["from_due"]["max"] is None
    assert document["status_counts"] == {"OK": 1, "UNAVAILABLE": 1}
    assert document["passed"] is True
