"""Attacks for longer than a test, and how the memory of the process goes meanwhile.

python -m tests.server.transport.rehearsal [attack]    # 20 rounds of each, such as 10,000 dropped connections
"""

import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from server.counters import Counters, Shape
from server.metrics import Metrics
from server.transport import inline
from server.transport.limits import Limits
from tests.server.transport import traces
from tests.server.transport.attacks import ATTACKS, LARGE, Attack
from tests.server.transport.frames import Connection, call
from tests.server.transport.stub import TURN, Lane, method

ROUNDS = 20
_LIMITS = Limits(
    largest_message_bytes=100_000,
    most_calls=200,
    most_streams=100,
    most_connections=200,
    connection_age_s=1000,
    connection_grace_s=10,
)


def rehearse(attack: Attack, count: int) -> Iterator[float]:
    """How much memory the process had in use after each round, in MiB, once the server had forgotten the attack."""
    lane = Lane()
    server = inline.make_server(_LIMITS, most_rows=64, most_wait_s=60)
    methods = (method(lane), method(lane, LARGE, finish=lambda _: b"x" * 1_000_000))
    with tempfile.TemporaryDirectory() as folder:
        metrics = Metrics(Counters.create(Path(folder) / "counters", Shape(rows=1)).row(0))
        inline.add_methods(server, methods, metrics, default_deadline_s=1)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        for seed in range(ROUNDS):
            attack(port, count, random.Random(seed))  # noqa: S311  # the same every time
            with Connection(port) as connection:
                connection.send(call(TURN, b"ab", 1))
                connection.wait_for_end(1)
            traces.eventually(lambda: server.is_idle, "the attack is forgotten")
            yield traces.resident_bytes() / (1 << 20)
            lane.runs.clear()
        server.stop(None)


def main(names: Sequence[str]) -> None:
    """Prints those figures for each attack of these names, or for all."""
    for attack, count in ATTACKS.items():
        if not names or attack.__name__ in names:
            print(f"{attack.__name__:16}", *[f"{size:.0f}" for size in rehearse(attack, count)], flush=True)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
