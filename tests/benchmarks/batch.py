"""ScoreBatch: how many visitors a second when a caller asks about many at once."""

from functools import partial

from tests.benchmarks import answers, closed, load, wire
from tests.benchmarks.contenders import OURS, Contender, Lineup
from tests.benchmarks.figures import Figure
from tests.benchmarks.options import Options
from tests.benchmarks.spread import spread

ROWS = 64
CONNECTIONS = 4


def rows_per_s(lineup: Lineup, options: Options) -> list[Figure]:
    """Visitors scored per second in batches."""
    ours, bundle = lineup.running[OURS], lineup.bundle
    target = ours.asked.target if ours.asked else ""
    asked = load.Asked("batch", target, wire.SCORE_BATCH, wire.batch_requests(bundle, ROWS), wire.batch_judge(ROWS))
    batches = Contender(
        "batch",
        ours.pid,
        lambda connections, seconds: load.closed(asked, connections=connections, seconds=seconds).throughput,
        partial(answers.check_audience, bundle, target),
        asked,
    )
    result = closed.race([batches], connections=CONNECTIONS, options=options)
    rows = spread([ROWS * one.ok_per_s for one in result.rounds["batch"]])
    return [Figure(f"batch{ROWS}_rows_per_s", "rows/s", rows, result.note("batch"))]
