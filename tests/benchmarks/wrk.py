"""Runs wrk, the load generator for HTTP that others use, and reads what it says."""

import json
import shutil
import subprocess
from collections.abc import Set as AbstractSet
from pathlib import Path

from tests.benchmarks.errors import Unavailable, WrongAnswer
from tests.benchmarks.processor import pinned
from tests.benchmarks.throughput import Throughput

_SCRIPT = Path(__file__).with_name("rotate.lua")


def check() -> None:
    """Nothing, when wrk is there.

    Raises:
        Unavailable: it is not.
    """
    if shutil.which("wrk") is None:
        raise Unavailable("wrk is not there, which sends HTTP: apt-get install wrk")


def run(url: str, bodies: Path, cores: AbstractSet[int], *, connections: int, seconds: float) -> Throughput:
    """Posts the lines of `bodies` in turn, one request in flight on each connection.

    Args:
        url: where to.
        bodies: a file with a body on each line.
        cores: where wrk runs.
        connections: at least 1.
        seconds: rounded, since wrk takes whole ones.

    Raises:
        WrongAnswer: wrk failed, or does not say what its script makes it say.
    """
    flags = ["-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "-s", str(_SCRIPT)]
    with pinned(cores):
        result = subprocess.run(["wrk", *flags, url, "--", str(bodies)], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise WrongAnswer(f"wrk against {url} failed: {result.stderr.strip()[-300:]}")
    return parse(result.stdout)


def parse(output: str) -> Throughput:
    """What the script's line of JSON says.

    Raises:
        WrongAnswer: there is none, or nothing was answered.
    """
    line = next((line for line in output.splitlines() if line.startswith('{"requests"')), None)
    if line is None:
        raise WrongAnswer(f"wrk does not say what it counted, but: {output.strip()[-300:]}")
    said = json.loads(line)
    ok_count = said["requests"] - said["status_errors"]
    if ok_count == 0:
        raise WrongAnswer(f"nothing was answered OK: {line}")
    return Throughput(
        ok_per_s=ok_count / said["duration_us"] * 1e6,
        p50_ms=said["p50_us"] / 1e3,
        p99_ms=said["p99_us"] / 1e3,
        failed_count=said["status_errors"] + said["socket_errors"],
    )
