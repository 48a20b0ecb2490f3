from collections.abc import Callable
from pathlib import Path

from training.stages import Stages


class Told:
    """Keeps what it was told: a title for what was made, with a sign for what was kept."""

    def __init__(self) -> None:
        self.ended: list[str] = []

    def begin(self, title: str) -> None:
        """See Show."""

    def end(self, title: str, seconds: float, *, is_kept: bool) -> None:
        """See Show."""
        assert seconds >= 0
        self.ended.append(f"{title}{'=' if is_kept else ''}")


def run(folder: Path | None, made_from: bytes = b"same", last: Callable[[], object] = lambda: 3) -> list[str]:
    """Two stages; what was told."""
    told = Told()
    stages = Stages(folder, made_from, told)
    assert stages.run("first", "one", lambda: [1, 2]) == [1, 2]
    stages.run("second", "two", last)
    return told.ended


def test_results_are_kept(tmp_path: Path) -> None:
    """A second run takes what the first one made; nothing that is None or false is made twice."""
    assert run(tmp_path / "work", last=lambda: None) == ["one", "two"]
    assert run(tmp_path / "work", last=lambda: 1 / 0) == ["one=", "two="]


def test_another_input_is_another_result(tmp_path: Path) -> None:
    """What was made from something else is made again, and takes the place of the old."""
    run(tmp_path)
    assert run(tmp_path, b"other") == ["one", "two"]
    assert len(list(tmp_path.iterdir())) == 2


def test_interrupted_stage(tmp_path: Path) -> None:
    """What was done before an interruption is kept; the interrupted stage runs again."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    try:
        run(tmp_path, last=interrupt)
    except KeyboardInterrupt:
        assert run(tmp_path) == ["one=", "two"]


def test_damaged_file(tmp_path: Path) -> None:
    """A result that cannot be read is made again."""
    run(tmp_path)
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:3])
    assert run(tmp_path) == ["one", "two"]


def test_without_a_folder() -> None:
    """Nothing is kept, and nothing is missed."""
    assert run(None) == run(None) == ["one", "two"]
