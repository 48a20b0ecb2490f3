"""Publishing into an object store, where nothing can be renamed."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from server.bundle import SUMS_FILE, read_bundle
from server.errors import BadBundle
from server.mirror import Mirror, held
from server.model import load_model
from server.remote import FileSystem, NoDriver
from tests.bundles import MODEL, Made, make
from tests.store import Counting, Crash, Repository
from training.previous import next_version
from training.publish import NotPublished
from training.remote import last_remote_version, local_copy, publish_remote, publish_to


@pytest.fixture(scope="module")
def first() -> Made:
    """Version 1."""
    return make(1)


@pytest.fixture(scope="module")
def second() -> Made:
    """Version 2."""
    return make(2)


def renumbered(version: int, seed: int) -> dict[str, bytes]:
    """The files of a version with this number; those of another seed differ."""
    return make(version, seed=seed).files()


def mirrored(remote: Repository, folder: Path) -> set[str]:
    """The versions that a server would see, each of them loaded."""
    mirror = Mirror(remote.connect(), folder, pause_s=1.0, on_failure=lambda: None)
    mirror.step()
    mirror.close()
    assert mirror.trouble is None
    for key in held(folder):
        load_model(read_bundle(folder / str(key)), largest_batch=1)
    return {str(key) for key in held(folder)}


def test_published_version_is_served(remote: Repository, first: Made, tmp_path: Path) -> None:
    """A published version is mirrored and loads."""
    place = publish_remote(remote.address, MODEL, 1, first.files())
    assert place == f"{remote.address}/{MODEL}/1"
    assert mirrored(remote, tmp_path / "copy") == {f"{MODEL}/1"}


def test_existing_version_is_never_overwritten(remote: Repository, first: Made) -> None:
    """A version that is there is refused, with the same files and with others, and stays as it is."""
    publish_to(remote.connect(), MODEL, 1, first.files())
    before = remote.connect().files()
    with pytest.raises(NotPublished, match="shop/1 cannot be published: it exists"):
        publish_to(remote.connect(), MODEL, 1, first.files())
    with pytest.raises(NotPublished, match="shop/1 cannot be published: it exists"):
        publish_to(remote.connect(), MODEL, 1, renumbered(1, seed=5))
    assert remote.connect().files() == before


def test_version_that_somebody_copied_there(remote: Repository, first: Made) -> None:
    """A version that came without a claim, or of which a part did, is refused all the same."""
    files = first.files()
    remote.place(MODEL, 1, {"model.onnx": files["model.onnx"]})
    with pytest.raises(NotPublished, match=r"the number was used for other files, .* the next one is 2"):
        publish_to(remote.connect(), MODEL, 1, files)
    remote.place(MODEL, 1, files)
    with pytest.raises(NotPublished, match="it exists"):
        publish_to(remote.connect(), MODEL, 1, files)


def test_numbers_are_never_used_again(remote: Repository, first: Made) -> None:
    """A version that was taken away keeps its number; the same files may come back under it."""
    publish_to(remote.connect(), MODEL, 1, first.files())
    remote.remove(f"{MODEL}/1")
    assert last_remote_version(remote.connect(), MODEL) == 1
    with pytest.raises(NotPublished, match="never used again; the next one is 2"):
        publish_to(remote.connect(), MODEL, 1, renumbered(1, seed=5))
    publish_to(remote.connect(), MODEL, 1, first.files())


def test_number_of_a_repository_that_was_a_folder(remote: Repository, first: Made) -> None:
    """The note of the last number that a folder has holds where the folder was copied to."""
    remote.put(f"{MODEL}/.last_version", b"7\n")
    assert last_remote_version(remote.connect(), MODEL) == 7
    with pytest.raises(NotPublished, match="the next one is 8"):
        publish_to(remote.connect(), MODEL, 1, first.files())
    remote.put(f"{MODEL}/.last_version", b"seven")
    with pytest.raises(NotPublished, match="should hold the number of the last version"):
        publish_to(remote.connect(), MODEL, 1, first.files())


@pytest.mark.parametrize("is_late", [False, True])
def test_crash_at_every_step(remote: Repository, new_remote: Callable[[], Repository], *, is_late: bool) -> None:
    """Wherever a publication ends, nothing is visible before all is there; the same files, and the next, then go."""
    files, after = renumbered(1, seed=1), renumbered(2, seed=2)
    counting = Counting(remote.connect()._files)  # noqa: SLF001  # the driver, to count its operations once
    publish_to(remote.connect(around=lambda _: counting), MODEL, 1, files)
    assert counting.operations == ["find", *["pipe_file"] * 2, "cat_file", *["pipe_file"] * 5]
    for last in range(1, len(counting.operations) + 1):
        broken = new_remote()
        with pytest.raises(Crash):
            publish_to(_crashing(broken, last, is_late=is_late), MODEL, 1, files)
        is_visible = f"{MODEL}/1/{SUMS_FILE}" in broken.keys()  # noqa: SIM118  # a method, and no mapping
        assert is_visible == (is_late and last == len(counting.operations))
        publish_to(broken.connect(), MODEL, 2, after)
        if is_visible:
            continue
        publish_to(broken.connect(), MODEL, 1, files)


def _crashing(repository: Repository, last: int, *, is_late: bool) -> Any:
    return repository.connect(around=lambda driver: Counting(driver, last, is_late=is_late))


def test_one_of_several_publishers_wins(
    remote: Repository, new_remote: Callable[[], Repository], tmp_path: Path
) -> None:
    """Of publishers of one number, with other files or the same, exactly one wins, and what is there is all its own."""
    different = [renumbered(1, seed) for seed in (1, 2, 3)]
    for turn, contents in enumerate([different, different, [different[0]] * 3]):
        place = new_remote()
        won: list[int] = []
        lost: list[str] = []
        gate = threading.Barrier(len(contents))

        def publish(i: int, place: Repository, contents: list[dict[str, bytes]], gate: threading.Barrier) -> None:
            gate.wait()
            try:
                publish_to(place.connect(), MODEL, 1, contents[i])
                won.append(i)  # noqa: B023  # joined below
            except NotPublished as error:
                lost.append(str(error))  # noqa: B023  # joined below

        threads = [threading.Thread(target=publish, args=(i, place, contents, gate)) for i in range(len(contents))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(won), len(lost)) == (1, 2), lost
        folder = tmp_path / str(turn)
        assert mirrored(place, folder) == {f"{MODEL}/1"}
        winner = contents[won[0]]
        assert {name: (folder / MODEL / "1" / name).read_bytes() for name in winner} == winner


class _Careless(Counting):
    """A store that ignores conditions."""

    def pipe_file(self, path: str, value: bytes, /, **options: Any) -> object:
        return super().pipe_file(path, value, **(options | {"mode": "overwrite"}))


def test_store_without_conditional_writes(remote: Repository, first: Made) -> None:
    """Where two publishers could spoil each other's version nothing is published, and the reason is said."""
    with pytest.raises(NotPublished, match="needed is a store with conditional writes"):
        publish_to(remote.connect(around=_Careless), MODEL, 1, first.files())
    assert remote.keys() == [f"{MODEL}/.versions/1"]


def test_refused_by_a_server(remote: Repository, first: Made) -> None:
    """What a server would refuse never gets there."""
    with pytest.raises(BadBundle, match="is of shop/1; its folder is shop/2"):
        publish_to(remote.connect(), MODEL, 2, first.files())
    assert remote.keys() == []


def test_address_that_cannot_be_written(remote: Repository, first: Made) -> None:
    """A store that refuses is quoted."""

    def around(files: FileSystem) -> FileSystem:
        return Counting(files, 2, PermissionError("Access Denied"))

    with pytest.raises(NotPublished, match="cannot be written: PermissionError Access Denied"):
        publish_to(remote.connect(around=around), MODEL, 1, first.files())
    with pytest.raises(NotPublished, match="cannot be listed: FileNotFoundError"):
        publish_remote("s3://no-such-bucket/x", MODEL, 1, first.files())
    with pytest.raises(NoDriver, match="Protocol not known: nowhere"):
        publish_remote("nowhere://x", MODEL, 1, first.files())


def test_copy_for_the_next_version(remote: Repository, first: Made, second: Made) -> None:
    """The next version is made after the newest that is whole, and gets a number that was never used."""
    publish_to(remote.connect(), MODEL, 1, first.files())
    publish_to(remote.connect(), MODEL, 2, second.files())
    publish_to(remote.connect(), MODEL, 3, renumbered(3, seed=3))
    remote.remove(f"{MODEL}/3")
    remote.put(f"{MODEL}/2/model.onnx", b"altered")
    with local_copy(remote.address, MODEL) as folder:
        assert [str(key) for key in held(folder)] == [f"{MODEL}/1"]
        assert next_version(folder, MODEL) == 4
    assert not folder.exists()


def test_copy_of_an_empty_repository(remote: Repository) -> None:
    """The first version is number 1."""
    with local_copy(remote.address, MODEL) as folder:
        assert next_version(folder, MODEL) == 1
