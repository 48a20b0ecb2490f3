"""What a run says, for people (tables) and for programs (JSON)."""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from loadtest.objectives import Verdict
from loadtest.results import Status
from loadtest.summary import PERCENTILES, Latencies, Summary, percentile

FELL_BEHIND_SHARE = 0.01  # of requests sent more than 1 ms late: then the 99th percentile is the generator's too
# Of the time on a processor (assumed: then most replies find it busy). One that shares its core can be behind below it.
BUSY_SHARE = 0.7


def show(summary: Summary, verdicts: Sequence[Verdict], console: Console) -> None:
    """Print the whole report."""
    parts = [_run_line(summary), _latency_table(summary), _rate_table(summary)]
    warnings = [Text(f"! {warning}", style="yellow") for warning in cautions(summary)]
    console.print(Group(*parts, *warnings, *_verdict_parts(verdicts)))


def cautions(summary: Summary) -> Iterator[str]:
    """What a reader must know before believing the figures."""
    lateness, counts = summary.lateness_ns, summary.counts
    failed_count = summary.due_count - counts.get(Status.OK, 0)
    if failed_count:
        yield f"{failed_count:,} were not answered OK: objectives and 'from due, all' count them as never answered."
    if summary.facts.is_interrupted:
        yield "Interrupted: only the requests that were due until then are counted."
    if summary.late_share > FELL_BEHIND_SHARE:
        yield (
            f"The generator fell behind its schedule: {summary.late_share:.2%} of the requests were sent over 1 ms "
            f"late (p99 {milliseconds(percentile(lateness, 99))}, max {milliseconds(percentile(lateness, 100))}). "
            f"What is measured from due times includes that. {_remedy(summary)}"
        )
    if counts.get(Status.NOT_SENT):
        yield (
            f"{counts[Status.NOT_SENT]:,} requests were never sent: the rate is beyond this generator. "
            f"{_remedy(summary)}"
        )
    if summary.facts.busy_share > BUSY_SHARE:
        yield _busy(summary)
    if counts.get(Status.NOT_ANSWERED):
        yield f"{counts[Status.NOT_ANSWERED]:,} requests were not answered at the end, in spite of their deadline."
    for trouble, count in summary.facts.troubles.items():
        yield f"Connections met trouble, {count:,} times: {trouble}."


def _busy(summary: Summary) -> str:
    share = f"The generator's thread was busy {summary.facts.busy_share:.0%} of the time"
    if summary.facts.concurrency:
        return f"{share}: the server may take more than this. {_more_processes(summary)}"
    return f"{share}: replies waited for it, so latencies are its own as well as the server's. {_remedy(summary)}"


def _remedy(summary: Summary) -> str:
    return f"{_more_processes(summary)} Or send fewer requests: a lower --rate."


def _more_processes(summary: Summary) -> str:
    return f"Share the load among more processes, on cores that are free: --processes {summary.facts.processes + 1}."


def document(summary: Summary, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """The report as JSON values. A latency that is null is infinite (not answered), or there was none."""
    return {
        "passed": all(verdict.holds for verdict in verdicts),
        "objectives": [
            {"objective": verdict.objective.text, "measured": shown(verdict), "holds": verdict.holds}
            for verdict in verdicts
        ],
        "rate_hz": _finite(summary.rate_hz),
        "due_count": summary.due_count,
        "error_share": _finite(summary.error_share),
        "status_counts": {status.name: count for status, count in summary.counts.items()},
        "latency_ms": {
            "from_due": _latencies_ms(summary.from_due_ns),
            "from_due_ok_only": _latencies_ms(summary.ok_from_due_ns),
            "from_sent_ok_only": _latencies_ms(summary.ok_from_sent_ns),
        },
        "lateness_ms": _latencies_ms(summary.lateness_ns),
        "late_share": _finite(summary.late_share),
        "cautions": list(cautions(summary)),
        "run": dataclasses.asdict(summary.facts),
    }


def shown(verdict: Verdict) -> str:
    """What was measured, in the unit of the objective's measure."""
    if math.isnan(verdict.measured):
        return "nothing"
    if verdict.objective.measure == "errors":
        return f"{verdict.measured:.4%}"
    if verdict.objective.measure == "rate":
        return f"{verdict.measured:,.1f}/s"
    return milliseconds(verdict.measured)


def milliseconds(latency_ns: float) -> str:
    """A latency for people.

    >>> milliseconds(1_234_567.0), milliseconds(float("inf"))
    ('1.235 ms', 'no answer')
    """
    if math.isnan(latency_ns):
        return "-"
    return "no answer" if math.isinf(latency_ns) else f"{latency_ns / 1e6:,.3f} ms"


def _name(q: float) -> str:
    return "max" if q == PERCENTILES[-1] else f"p{q:g}"


def _latencies_ms(latencies: Latencies) -> dict[str, float | None]:
    return {_name(q): _finite(percentile(latencies, q) / 1e6) for q in PERCENTILES}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _run_line(summary: Summary) -> RenderableType:
    facts = summary.facts
    pace = f"{facts.concurrency} in flight on each of" if facts.concurrency else f"{facts.rate_hz:,g}/s over"
    processes = f" of {facts.processes} processes" if facts.processes > 1 else ""
    return Text(
        f"{facts.target}  {pace} {facts.connections} connections{processes} for {facts.duration_s:g} s, "
        f"deadline {facts.deadline_ms:g} ms, warm-up {facts.warmup_s:g} s\n{facts.source}\n"
    )


def _latency_table(summary: Summary) -> RenderableType:
    """Readings of latency: of an open loop four, of which objectives use the first; of a closed one, from sending."""
    table = Table("latency", box=None, pad_edge=False)
    columns = {
        "from due, all": summary.from_due_ns,
        "from due, OK only": summary.ok_from_due_ns,
        "from sent, OK only": summary.ok_from_sent_ns,
        "sent late by": summary.lateness_ns,
    }
    if summary.facts.concurrency:
        columns = {"from sent, all": summary.from_due_ns, "from sent, OK only": summary.ok_from_sent_ns}
    for title in columns:
        table.add_column(title, justify="right")
    for q in PERCENTILES:
        table.add_row(_name(q), *(milliseconds(percentile(latencies, q)) for latencies in columns.values()))
    return table


def _rate_table(summary: Summary) -> RenderableType:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_row("\nrate", f"\n{summary.rate_hz:,.1f}/s answered OK{_asked(summary)}")
    table.add_row("requests", _sent(summary))
    table.add_row(
        "",
        f"{_count(summary, Status.NOT_SENT)} not sent, {_count(summary, Status.NOT_ANSWERED)} not answered at the end",
    )
    if summary.facts.reconnect_count:
        table.add_row("", f"{summary.facts.reconnect_count:,} connections opened in place of others")
    table.add_row("errors", f"{summary.error_share:.4%}")
    for status, count in summary.counts.items():
        table.add_row(f"  {status.name}", f"{count:,}")
    return table


def _asked(summary: Summary) -> str:
    return "" if summary.facts.concurrency else f", {summary.facts.rate_hz:,g}/s asked"


def _sent(summary: Summary) -> str:
    if summary.facts.concurrency:
        return f"{summary.due_count:,} sent"
    return f"{summary.due_count:,} due, {summary.late_share:.2%} sent more than 1 ms late"


def _count(summary: Summary, status: Status) -> str:
    return f"{summary.counts.get(status, 0):,}"


def _verdict_parts(verdicts: Sequence[Verdict]) -> Iterator[RenderableType]:
    for verdict in verdicts:
        word, style = ("holds ", "green") if verdict.holds else ("MISSED", "bold red")
        yield Text.assemble((word, style), f"  {verdict.objective.text}  measured {shown(verdict)}")
