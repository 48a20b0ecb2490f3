"""The loops of both processes, and what is left when one of them ends."""

import shutil
import threading
from collections.abc import Callable
from typing import TypeVar

import pytest

from server.errors import BadBundle
from server.follower import Follower
from server.model import Model
from server.overview import ModelStatus
from server.registry import Registry
from server.wish import WishedModel
from tests.server.conftest import Versions
from tests.server.loader.pair import Pair, break_model, log_of, only, vector_of

_T = TypeVar("_T")


def test_run_follows_until_it_is_stopped(pair: Pair, versions: Versions) -> None:
    """Both loops look at once, and end as soon as they are told to, however long they would have waited."""
    versions.put(pair.root, 1)
    stop, followed = threading.Event(), threading.Event()
    pair.on_followed = followed.set
    threads = [
        threading.Thread(target=pair.loader.run, args=(stop, 3600.0)),
        threading.Thread(target=pair.worker.run, args=(stop,)),
    ]
    for thread in threads:
        thread.start()
    assert followed.wait(60)
    stop.set()
    for thread in threads:
        thread.join(10)
    assert pair.serving == {"shop": 1}
    assert not any(thread.is_alive() for thread in threads)


def test_runs_outlive_a_fault(pair: Pair, versions: Versions, caplog: pytest.LogCaptureFixture) -> None:
    """A fault that nobody foresaw, outside of any version, is logged, and the loops go on."""
    versions.put(pair.root, 1)
    pair.loader.step()
    stop = threading.Event()

    def fail_then_stop() -> None:
        if caplog.text.count("nobody foresaw this"):
            stop.set()
        pair.runtime.replace(pair.runtime.wish, pair.runtime.wish.read_bytes())
        raise ZeroDivisionError("nobody foresaw this")

    pair.on_followed = pair.on_look = fail_then_stop
    # On a thread of its own, which it makes give way for good: the servers of later tests would inherit that.
    thread = threading.Thread(target=pair.worker.run, args=(stop,))
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    assert pair.serving == {"shop": 1}
    assert caplog.text.count("the follower failed; what is loaded keeps serving") == 2
    stop.clear()
    caplog.clear()
    pair.loader.run(stop, 0.0)
    assert caplog.text.count("the loader failed; what is loaded keeps serving") == 2


def test_control_that_is_started_again(pair: Pair, versions: Versions, caplog: pytest.LogCaptureFixture) -> None:
    """It goes on from what was wished: nothing is loaded, counted or told again, and no schema is forgotten."""
    older = versions.put(pair.root, 1)
    vector = vector_of(older)
    pair.step()
    versions.put(pair.root, 2)
    pair.step()
    shutil.rmtree(older)
    served = pair.registry.current.served["shop"].model
    caplog.set_level("INFO")
    pair.restart_control()
    assert pair.step() == {"shop": ModelStatus(2, (2,), {})}
    assert log_of(caplog, "version serves") == []
    assert pair.registry.current.served["shop"].model is served
    assert pair.measured.sample("audience_model_version", model="shop") == 2
    versions.put(pair.root, 3)
    assert pair.step()["shop"].serving == 3
    assert pair.registry.current.find("shop", 3).reader.read(vector).is_remapped


def test_control_that_is_started_again_in_the_middle(
    pair: Pair, versions: Versions, caplog: pytest.LogCaptureFixture
) -> None:
    """A version that was on its way when control ended is told to serve once it does."""
    caplog.set_level("INFO")
    versions.put(pair.root, 1)
    pair.is_idle = True
    pair.loader.step()
    pair.restart_control()
    pair.is_idle = False
    pair.step()
    assert [line["version"] for line in log_of(caplog, "version serves")] == [1]


class Noting:
    """A Do that notes what came of it."""

    def __init__(self) -> None:
        self.came: list[object] = []

    def __call__(self, work: Callable[[], _T]) -> _T:
        """See Do."""
        try:
            done = work()
        except BadBundle:
            self.came.append(BadBundle)
            raise
        self.came.append(type(done))
        return done


def test_versions_are_brought_in_aside_once_others_serve(pair: Pair, versions: Versions) -> None:
    """The first one has nobody to disturb; later ones are read and built aside, and refused like any when bad."""
    pair.do, pair.worker_do = control, worker = Noting(), Noting()
    pair.restart_control()
    versions.put(pair.root, 1)
    pair.steps()
    assert (control.came, worker.came, pair.serving) == ([], [], {"shop": 1})
    versions.put(pair.root, 2)
    break_model(versions.put(pair.root, 3))
    pair.steps()
    assert (worker.came, pair.serving) == ([Model], {"shop": 2})
    assert set(control.came) == {tuple, WishedModel, BadBundle}
    assert pair.refusals() == 1


def test_worker_that_is_started_again_needs_no_repository(pair: Pair, versions: Versions) -> None:
    """It finds all it needs in the runtime folder, also when control is down and the version was taken away."""
    versions.put(pair.root, 1)
    pair.step()
    shutil.rmtree(pair.root)
    registry = Registry(pair.measured.metrics)
    again = Follower(pair.runtime.wish, registry, largest_batch=2, on_followed=lambda: None)
    again.step()
    assert (again.serving, again.is_ready, again.refused) == ({"shop": only(1)}, True, {})
