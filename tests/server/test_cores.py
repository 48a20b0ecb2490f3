import os
from pathlib import Path

import pytest

from server.cores import usable_cores

HERE = len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        pytest.param({}, HERE, id="no control group"),
        pytest.param({"cpu.max": "max 100000\n"}, HERE, id="v2, no limit"),
        pytest.param({"cpu.max": "100000 100000\n"}, 1, id="v2, one"),
        pytest.param({"cpu.max": "10000 100000\n"}, 1, id="v2, a tenth"),
        pytest.param({"cpu.max": "100000000 100000\n"}, HERE, id="v2, more than there are"),
        pytest.param({"cpu.max": "garbage"}, HERE, id="v2, garbage"),
        pytest.param({"cpu.max": "1 0"}, HERE, id="v2, no period"),
        pytest.param({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, HERE, id="v1, no limit"),
        pytest.param({"cpu/cpu.cfs_quota_us": "120000", "cpu/cpu.cfs_period_us": "100000"}, 1, id="v1, rounded"),
        pytest.param({"cpu/cpu.cfs_quota_us": "120000"}, HERE, id="v1, half"),
    ],
)
def test_usable_cores(tmp_path: Path, files: dict[str, str], cores: int) -> None:
    """The smaller of what the process is bound to and what its container gets, at least 1."""
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert usable_cores(tmp_path) == cores


def test_share_is_rounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container with 2.5 cores' worth of time gets 2, with 2.6 it gets 3."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    for limit, cores in ((250_000, 2), (260_000, 3), (900_000, 8)):
        (tmp_path / "cpu.max").write_text(f"{limit} 100000\n")
        assert usable_cores(tmp_path) == cores
