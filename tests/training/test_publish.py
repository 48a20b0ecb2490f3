import errno
import hashlib
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from server.bundle import MODEL_FILE, SUMS_FILE, read_bundle
from server.errors import BadBundle
from server.reference import REFERENCE_FILE
from tests.bundles import Made, make
from training.publish import NotPublished, last_version, publish


def _fails_at(call: int, real: Callable[..., Any]) -> Callable[..., Any]:
    """The real function, but for one call, which finds the disk full."""
    calls = iter(range(1, 1000))

    def wrapped(*arguments: Any, **options: Any) -> Any:
        if next(calls) == call:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(*arguments, **options)

    return wrapped


def test_published(made: Made, repository: Path) -> None:
    """A version is a folder of its files that a server accepts, with nothing beside it but its number."""
    folder = made.publish(repository)
    assert folder == repository / "shop" / "1"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == made.files()
    assert read_bundle(folder).description.manifest == made.manifest
    assert _names(repository, folder.parent) == [".last_version", "1", "shop"]


def _names(*folders: Path) -> list[str]:
    return sorted(path.name for folder in folders for path in folder.iterdir())


def test_others_may_read(made: Made, repository: Path) -> None:
    """A version can be read by the user that the server runs as, as far as the process's mask allows."""
    old = os.umask(0o022)
    try:
        folder = made.publish(repository)
    finally:
        os.umask(old)
    assert {oct(path.stat().st_mode)[-3:] for path in (folder, folder.parent)} == {"755"}
    assert {oct(path.stat().st_mode)[-3:] for path in folder.iterdir()} == {"644"}


def test_real_checksums(made: Made, repository: Path) -> None:
    """The list of hashes is one that sha256sum checks."""
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", SUMS_FILE],
        cwd=made.publish(repository),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.count(": OK") == 4


STEPS: list[tuple[Any, str, int]] = [
    # Five files, their folder, the number and its folder, and the two folders above the version.
    *((os, "fsync", call) for call in range(1, 11)),
    *((Path, "open", call) for call in range(1, 8)),  # five files; the number, read and written
    *((Path, "mkdir", call) for call in range(1, 4)),
    (Path, "rename", 1),
    (Path, "replace", 1),
    *((os, "open", call) for call in range(1, 10)),  # the folder, five files by the server's checks, three folders
]


@pytest.mark.parametrize("step", STEPS)
def test_all_or_nothing(
    made: Made, repository: Path, monkeypatch: pytest.MonkeyPatch, step: tuple[Any, str, int]
) -> None:
    """A disk that is full at any step leaves no version, no folder and no file."""
    files = made.files()
    place, name, call = step
    with monkeypatch.context() as patch:
        patch.setattr(place, name, _fails_at(call, getattr(place, name)))
        with pytest.raises((NotPublished, BadBundle), match="No space left on device"):
            publish(repository, "shop", 1, files)
    assert list(repository.iterdir()) == []
    assert publish(repository, "shop", 1, files).is_dir()


def test_number_of_steps(made: Made, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no sync after the last one that is made to fail above."""
    monkeypatch.setattr(os, "fsync", _fails_at(11, os.fsync))
    made.publish(repository)


def test_failure_leaves_other_versions(made: Made, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was published before a failure stays."""
    made.publish(repository)
    second = make(2).files()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", _fails_at(1, Path.rename))
        with pytest.raises(NotPublished):
            publish(repository, "shop", 2, second)
    assert _names(repository / "shop") == [".last_version", "1"]
    read_bundle(repository / "shop" / "1")


def test_killed_trainer_is_in_nobodys_way(made: Made, repository: Path) -> None:
    """What a process of the same id left when it was killed, as happens in containers, does not matter."""
    for place in (repository, repository / "shop"):
        (place / f".incoming-{os.getpid()}" / "shop" / "1").mkdir(parents=True)
    made.publish(repository)


def test_number_is_used_up_before_the_version_is_seen(
    made: Made, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever moves away a version that has only just appeared still gets another number for the next one."""
    seen = []

    def look(folder: Path, target: Path) -> Path:
        seen.append(last_version(repository, "shop"))
        return rename(folder, target)

    rename = Path.rename
    monkeypatch.setattr(Path, "rename", look)
    made.publish(repository)
    assert seen == [1]


def test_leftovers_of_yesterday_are_removed(made: Made, repository: Path) -> None:
    """What a killed publisher left goes a day later; what may be in use, and what is something else, stays."""
    old, recent, other = (repository / name for name in (".incoming-old", ".incoming-recent", "other"))
    for folder, age_s in ((old, 25 * 3600), (recent, 23 * 3600), (other, 10**7)):
        (folder / "shop").mkdir(parents=True)
        now_s = folder.stat().st_mtime
        os.utime(folder, (now_s, now_s - age_s))
    (repository / ".incoming-link").symlink_to(other)
    made.publish(repository)
    assert _names(repository) == [".incoming-link", ".incoming-recent", "other", "shop"]
    assert (other / "shop").is_dir()


def test_existing_version(made: Made, repository: Path) -> None:
    """A version that exists is refused and stays as it is, down to its times."""
    folder = made.publish(repository)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    other = make(1, seed=5)
    with pytest.raises(NotPublished, match="shop/1 cannot be published: Directory not empty"):
        other.publish(repository)
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()} == before
    assert _names(repository, folder.parent) == [".last_version", "1", "shop"]


def test_no_repository(made: Made, tmp_path: Path) -> None:
    """A repository that is not there, or is a file, is said to be so."""
    with pytest.raises(NotPublished, match="absent/shop/1 cannot be published: No such file or directory"):
        publish(tmp_path / "absent", "shop", 1, made.files())
    (tmp_path / "file").touch()
    with pytest.raises(NotPublished, match="Not a directory"):
        publish(tmp_path / "file", "shop", 1, made.files())
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_unwritable_repository(made: Made, repository: Path) -> None:
    """A repository that cannot be written is said to be so."""
    repository.chmod(0o555)
    with pytest.raises(NotPublished, match="Permission denied"):
        made.publish(repository)


@pytest.mark.parametrize("name", [MODEL_FILE, REFERENCE_FILE])
def test_refused_by_a_server(made: Made, repository: Path, name: str) -> None:
    """A version whose graph does not give its reference scores never appears, though its hashes are right."""
    files = made.files()
    files[name] = make(2).files()[name]
    files[SUMS_FILE] = "".join(
        f"{hashlib.sha256(data).hexdigest()}  {file}\n" for file, data in files.items() if file != SUMS_FILE
    ).encode()
    with pytest.raises(BadBundle, match="does not give the reference rows their scores"):
        publish(repository, "shop", 1, files)
    assert list(repository.iterdir()) == []


def test_of_another_version(made: Made, repository: Path) -> None:
    """Files of one version are not published as another."""
    with pytest.raises(BadBundle, match="is of shop/1; its folder is shop/2"):
        publish(repository, "shop", 2, made.files())
    assert list(repository.iterdir()) == []
