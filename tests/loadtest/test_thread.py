import gc

import pytest

from loadtest import thread


def fail_within() -> None:
    """Raises ValueError where nothing is collected and timers have no slack."""
    with thread.exact():
        assert not gc.isenabled()
        assert thread.SLACK.read_text(encoding="ascii").strip() == "1"
        raise ValueError("wrong")


def test_the_thread_is_as_before_afterwards() -> None:
    """After the run, also after an error, garbage is collected and timers have the slack that they had."""
    before = thread.SLACK.read_text(encoding="ascii")
    assert gc.isenabled()
    with pytest.raises(ValueError, match="wrong"):
        fail_within()
    assert gc.isenabled()
    assert thread.SLACK.read_text(encoding="ascii") == before


def test_a_system_without_that_setting(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Where slack cannot be set, the run goes on with it."""
    monkeypatch.setattr(thread, "SLACK", tmp_path_factory.mktemp("none") / "none" / "slack")
    with thread.exact():
        assert not gc.isenabled()
    assert gc.isenabled()
