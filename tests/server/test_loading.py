import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from server.loading import LONG_TURN_S, REST_S, Loading

KILLED = """
import os, sys
from pathlib import Path
from server.loading import Loading

with Loading.of_worker(Path(sys.argv[1]), 3).going_on():
    os.kill(os.getpid(), 9)
"""


def test_everybody_sees_whether_anybody_is_at_it(tmp_path: Path) -> None:
    """Whoever says so, all see it until the last one has ended, however that ended."""
    path = tmp_path / "loading"
    control, first, last = Loading.of_control(path), Loading.of_worker(path, 0), Loading.of_worker(path, 1000)
    everybody = (control, first, last)
    for one in everybody:
        assert not any(other.is_going_on() for other in everybody)
        with suppress(OSError), one.going_on():
            assert all(other.is_going_on() for other in everybody)
            raise OSError
    with first.going_on():
        with last.going_on():
            assert control.is_going_on()
        assert control.is_going_on()
    assert not control.is_going_on()


def test_loops_rest_for_everybody(tmp_path: Path) -> None:
    """While any process is at it, this one or another, control or a worker; else not at all."""
    path = tmp_path / "loading"
    loop = Loading.of_worker(path, 1)
    for one in (Loading.of_control(path), Loading.of_worker(path, 0), loop):
        assert loop.rest_s(0.0) == 0
        with one.going_on():
            assert loop.rest_s(0.0) == REST_S
    assert loop.rest_s(0.0) == 0


def test_loops_in_a_hurry_do_not_rest(tmp_path: Path) -> None:
    """Whoever waits after a long turn would wait longer and longer."""
    loop = Loading.of_worker(tmp_path / "loading", 0)
    with loop.going_on():
        assert [loop.rest_s(turn_s) for turn_s in (0.9 * LONG_TURN_S, LONG_TURN_S, 1.0)] == [REST_S, 0, 0]


def test_what_a_killed_process_left_is_forgotten(tmp_path: Path) -> None:
    """It said that it was at it, and never that it had ended; the one that is started in its place has not begun."""
    path = tmp_path / "loading"
    control = Loading.of_control(path)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert (killed.returncode, control.is_going_on()) == (-9, True)
    other = Loading.of_worker(path, 2)
    assert control.is_going_on()
    again = Loading.of_worker(path, 3)
    assert not any(one.is_going_on() for one in (control, other, again))
