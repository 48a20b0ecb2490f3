from pathlib import Path

import numpy as np
import pytest

from loadtest import results
from loadtest.errors import BadRecording
from tests.loadtest.conftest import recorded


def test_a_run_survives_the_round_trip(tmp_path: Path) -> None:
    """What was saved is loaded again, under exactly the name that was given."""
    run = recorded([(0, 0, 1, 0), (1, -1, -1, 101)], objectives=("p99<5ms",), versions={"grpcio": "1.74"})
    results.save(run, tmp_path / "run")
    again = results.load(tmp_path / "run")
    assert again.facts == run.facts
    for name in ("due_ns", "sent_ns", "done_ns", "status"):
        np.testing.assert_array_equal(getattr(again, name), getattr(run, name))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short", b"not a run"])
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """What is not a recorded run is refused by name, not with NumPy's own error."""
    (tmp_path / "run.npz").write_bytes(content)
    with pytest.raises(BadRecording, match=r"run\.npz is not a recorded run"):
        results.load(tmp_path / "run.npz")


def test_an_unknown_status_is_refused(tmp_path: Path) -> None:
    """A status of a later version is not silently dropped."""
    results.save(recorded([(0, 0, 1, 77)]), tmp_path / "run.npz")
    with pytest.raises(BadRecording, match="status"):
        results.load(tmp_path / "run.npz")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """The error names the file and the reason."""
    with pytest.raises(BadRecording, match=r"cannot read .*none\.npz: No such file"):
        results.load(tmp_path / "none.npz")
