"""Two workers on two cores, with the load from the same machine: what that gives, and what limits it."""

import time

from tests.benchmarks import usage
from tests.benchmarks.closed import CONNECTIONS
from tests.benchmarks.contenders import ours
from tests.benchmarks.figures import Figure
from tests.benchmarks.graph import Bundle
from tests.benchmarks.options import Options
from tests.benchmarks.processor import Cores, pinned
from tests.benchmarks.spread import spread

WORKERS = 2
_WARM_UP_S = 0.5


def throughput(bundle: Bundle, cores: Cores, options: Options) -> list[Figure]:
    """Requests per second of two workers, and the cores that they and the load used."""
    rates, server_cores, load_cores = [], [], []
    with pinned(cores.everything), ours(bundle, cores, transport="inline", workers=WORKERS) as one:
        one.check()
        one.closed(CONNECTIONS, _WARM_UP_S)
        for _ in range(options.rounds):
            start, served_s, sent_s = time.monotonic(), usage.cpu_s(one.pid), time.process_time()
            rates.append(one.closed(CONNECTIONS, options.seconds).ok_per_s)
            elapsed_s = time.monotonic() - start
            server_cores.append((usage.cpu_s(one.pid) - served_s) / elapsed_s)
            load_cores.append((time.process_time() - sent_s) / elapsed_s)
        one.check()
    served, sent = spread(server_cores).median, spread(load_cores).median
    note = (
        f"the server used {served:.2f} and the load {sent:.2f} of {len(cores.everything)} cores: "
        f"{'the machine is full' if served + sent > 0.9 * len(cores.everything) else 'the load waits'}"
    )
    return [Figure("two_workers_per_s", "/s", spread(rates), note)]
