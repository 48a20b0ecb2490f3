"""Loads that several processes share. Each is a real process; none of the tests judges how long something took."""

import itertools
import os
import select
import signal
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest import engine
from loadtest.__main__ import main
from loadtest.errors import LostProcess, NoAnswer
from loadtest.load import Load, Progress, Recording, Share
from loadtest.payloads import Payloads
from loadtest.processes import merged
from loadtest.results import Status
from tests.loadtest.conftest import Scoring
from tests.loadtest.echoes import PATH, echo, judge_any, judge_small

CHECKED = 6  # requests that the checks of 3 connections take


def load(target: str, **more: Any) -> Load:
    """5 payloads that differ, for 2 processes with 3 connections."""
    values = {"duration_s": Fraction(1, 5), "deadline_s": 60.0, "path": PATH, "judge": judge_small, **more}
    payloads = Payloads("numbers", tuple(str(number).encode() for number in range(5)))
    return Load(target=target, payloads=payloads, connections=3, processes=2, **values)


@given(whole=st.integers(0, 1000), step=st.integers(1, 20))
def test_shares_are_a_whole(whole: int, step: int) -> None:
    """The shares of all processes together have each number once."""
    shares = [Share(first, step) for first in range(step)]
    numbers = [share.number(slot) for share in shares for slot in range(share.count(whole))]
    assert sorted(numbers) == list(range(whole))


def test_two_processes_send_one_schedule() -> None:
    """Every request of the schedule is sent once, by two processes, and the recording has them in order."""
    seen: list[bytes] = []
    peers: set[str] = set()

    def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
        seen.append(request)
        peers.add(context.peer())
        return request

    told: list[Progress] = []
    with echo(answer) as target:
        recording = engine.run(load(target, rate_hz=Fraction(300), warmup_s=Fraction(1, 10)), on_progress=told.append)
    assert recording.status.tolist() == [Status.OK] * 60
    assert recording.due_ns.tolist() == [number * 10**9 // 300 for number in range(60)]
    assert (recording.sent_ns >= recording.due_ns).all()
    assert (recording.done_ns > recording.sent_ns).all()
    assert recording.window_ns == 200_000_000
    assert len(seen) == 90 + CHECKED
    assert sorted(set(seen)) == [b"0", b"1", b"2", b"3", b"4"]
    assert len(peers) == CHECKED
    assert told


def test_two_processes_in_a_closed_loop() -> None:
    """Both keep their connections busy, and the recording is in the order of sending."""
    with echo() as target:
        recording = engine.run(load(target, concurrency=2))
    assert set(recording.status.tolist()) == {Status.OK}
    assert (recording.due_ns == recording.sent_ns).all()
    assert (np.diff(recording.sent_ns) >= 0).all()
    assert len(recording.status) > 12


def test_interruption_comes_to_all() -> None:
    """A run that is ended early is ended in all processes at one time: nothing that was sent is left out."""
    numbers = itertools.count()

    def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
        next(numbers)
        return request

    with echo(answer) as target:
        looks = itertools.count()
        recording = engine.run(
            load(target, rate_hz=Fraction(300), duration_s=Fraction(3600)),
            is_stopped=lambda: next(looks) >= 5,
        )
    assert recording.is_interrupted
    assert set(recording.status.tolist()) == {Status.OK}
    assert 0 < len(recording.status) == next(numbers) - CHECKED


def test_what_one_process_finds_ends_the_run() -> None:
    """A connection that is not answered rightly is reported as with one process."""
    numbers = itertools.count()

    def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
        return request if next(numbers) < 3 else bytes(11)

    with echo(answer) as target, pytest.raises(NoAnswer, match=r"connection \d of 3"):
        engine.run(load(target, rate_hz=Fraction(1)))


def judge_and_die(reply: bytes) -> Status:
    """Nothing: the process that asks ends."""
    os._exit(3)


def test_a_process_that_dies_ends_the_run() -> None:
    """Results that are not complete are none."""
    with echo() as target, pytest.raises(LostProcess, match="without its results"):
        engine.run(load(target, rate_hz=Fraction(1), judge=judge_and_die))


def test_the_processes_end_with_the_one_that_started_them(scoring: Scoring, bundle: Path) -> None:
    """When the command is killed, nobody goes on sending."""
    argv = ["run", "--target", scoring.target, "--bundle", str(bundle), "--closed", "1", "--duration", "3600"]
    command = [sys.executable, "-m", "loadtest", *argv, "--connections", "2", "--processes", "2"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while len(scoring.requests) < 100:
            assert process.poll() is None
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii").split()
        descriptors = [os.pidfd_open(int(child)) for child in children]
        process.send_signal(signal.SIGKILL)
    assert len(children) == 2
    for descriptor in descriptors:
        assert select.select([descriptor], [], [], 60)[0]
        os.close(descriptor)


def test_the_command_shares_the_load(scoring: Scoring, bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--processes is said in the report, and the objectives are judged over all of them."""
    argv = ["run", "--target", scoring.target, "--bundle", str(bundle), "--rate", "200", "--duration", "0.2"]
    assert main([*argv, "--warmup", "0", "--processes", "2", "--slo", "errors<=0"]) == 0
    printed = capsys.readouterr().out
    assert "4 connections of 2 processes" in printed
    assert "40 due" in printed
    assert len(scoring.requests) == 40 + 8


def test_recordings_become_one() -> None:
    """Columns are in the order of the due times; the busiest process counts, and troubles add up."""

    def part(due: list[int], *, busy: float, is_interrupted: bool) -> Recording:
        times = np.array(due, np.int64)
        status = np.zeros(len(due), np.int16)
        return Recording(times, times + 1, times + 2, status, 10, busy, is_interrupted, 1, {"gone": 2})

    whole = merged([part([0, 4, 8], busy=0.5, is_interrupted=False), part([2, 6], busy=0.7, is_interrupted=True)])
    assert whole.due_ns.tolist() == [0, 2, 4, 6, 8]
    assert whole.done_ns.tolist() == [2, 4, 6, 8, 10]
    assert (whole.window_ns, whole.busy_share, whole.is_interrupted) == (10, 0.7, True)
    assert (whole.reconnect_count, whole.troubles) == (2, {"gone": 4})


def test_any_judge_at_the_top_of_a_module_will_do() -> None:
    """The judge goes to the other processes by its name."""
    with echo() as target:
        recording = engine.run(load(target, rate_hz=Fraction(100), judge=judge_any))
    assert recording.status.tolist() == [Status.OK] * 20
