import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.mirror import Mirror, held
from tests.server.mirroring import PAUSE_S, Bench
from tests.store import Counting, Crash, Repository, summed, version_files


@pytest.fixture
def bench(remote: Repository, tmp_path: Path) -> Iterator[Bench]:
    """A mirror's surroundings."""
    made = Bench(remote, tmp_path / "mirror" / "copy")
    yield made
    made.close()


def test_new_version_appears(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """A version is copied byte for byte once its SHA256SUMS is there, and only once."""
    caplog.set_level(logging.INFO)
    files = version_files()
    sums = files.pop("SHA256SUMS")
    counting = Counting(bench.remote.files)
    mirror = bench.mirror(lambda _: counting)
    bench.remote.place("shop", 1, files)
    mirror.step()
    assert bench.copy() == {}
    bench.remote.put("shop/1/SHA256SUMS", sums)
    mirror.step()
    assert bench.copy() == {f"shop/1/{name}": data for name, data in {**files, "SHA256SUMS": sums}.items()}
    before = len(counting.operations)
    mirror.step()
    assert counting.operations[before:] == ["find"]
    assert (mirror.trouble, bench.failures) == (None, 0)
    assert [record.message for record in caplog.records if record.name == "server.mirror"] == ["version mirrored"]


def test_changed_version_is_replaced(bench: Bench) -> None:
    """Other files under the same number take the place of those before, as in a folder."""
    bench.remote.place("shop", 1, version_files(b"one"))
    mirror = bench.mirror()
    mirror.step()
    bench.remote.place("shop", 1, version_files(b"two"))
    mirror.step()
    assert bench.copy()["shop/1/model.onnx"] == b"two"
    assert sorted(path.name for path in bench.folder.iterdir()) == [".lock", "shop"]


def test_removed_version_is_removed(bench: Bench) -> None:
    """What was taken away there is taken away here: a version, and the folder of a model that has none."""
    for model, version in (("shop", 1), ("shop", 2), ("other", 1)):
        bench.remote.place(model, version, version_files())
    mirror = bench.mirror()
    mirror.step()
    assert len(held(bench.folder)) == 3
    bench.remote.remove("shop/2")
    bench.remote.remove("other/1/SHA256SUMS")
    mirror.step()
    assert [str(key) for key in held(bench.folder)] == ["shop/1"]
    assert sorted(path.name for path in bench.folder.iterdir()) == [".lock", "shop"]


def test_repository_that_is_suddenly_empty(bench: Bench) -> None:
    """A listing without any version is as likely a mistake, and removes nothing."""
    bench.remote.place("shop", 1, version_files())
    mirror = bench.mirror()
    mirror.step()
    bench.remote.remove("shop")
    mirror.step()
    assert [str(key) for key in held(bench.folder)] == ["shop/1"]
    assert "lists no version any more; what is here is kept" in str(mirror.trouble)
    assert bench.failures == 1


def test_restart_keeps_the_copy(bench: Bench) -> None:
    """What is here is not downloaded again by the next process, unless it was damaged."""
    bench.remote.place("shop", 1, version_files())
    bench.mirror().step()
    counting = Counting(bench.remote.files)
    bench.mirror(lambda _: counting).step()
    assert counting.operations == ["find"]
    (bench.folder / "shop" / "1" / "model.onnx").write_bytes(b"")
    bench.mirror().step()
    assert bench.copy()["shop/1/model.onnx"] == b"graph"


def test_policy_is_followed(bench: Bench) -> None:
    """A model's policy.json comes, changes and goes as it does there, by itself too, and is never half written."""
    mirror = bench.mirror()
    bench.remote.put("shop/policy.json", b'{"labels": {}}')
    mirror.step()
    assert bench.copy() == {"shop/policy.json": b'{"labels": {}}'}
    bench.remote.place("shop", 1, version_files())
    bench.remote.put("shop/policy.json", b'{"labels": {"live": 1}}')
    mirror.step()
    assert bench.copy()["shop/policy.json"] == b'{"labels": {"live": 1}}'
    bench.remote.remove("shop/policy.json")
    mirror.step()
    assert sorted(bench.copy()) == sorted(f"shop/1/{name}" for name in version_files())
    bench.remote.put("shop/policy.json", b" " * ((1 << 16) + 1))
    mirror.step()
    assert mirror.trouble == "shop/policy.json: it has more than 65,536 bytes"
    assert "shop/policy.json" not in bench.copy()


def test_approvals_are_followed(bench: Bench) -> None:
    """Approvals of a version come, change and go as they do there, and go with the version; of no version, never."""
    mirror = bench.mirror()
    bench.remote.put("shop/approvals/1.json", b"early")
    bench.remote.put("shop/approvals/notes.json", b"of nothing")
    bench.remote.place("shop", 2, version_files())
    mirror.step()
    assert bench.copy().keys() == {f"shop/2/{name}" for name in version_files()}
    bench.remote.put("shop/approvals/2.json", b"by Ada")
    mirror.step()
    assert bench.copy()["shop/approvals/2.json"] == b"by Ada"
    bench.remote.put("shop/approvals/2.json", b"by Ada and Grace")
    mirror.step()
    assert bench.copy()["shop/approvals/2.json"] == b"by Ada and Grace"
    bench.remote.place("shop", 3, version_files())
    bench.remote.remove("shop/2")
    mirror.step()
    assert bench.copy().keys() == {f"shop/3/{name}" for name in version_files()}
    assert not (bench.folder / "shop" / "approvals").exists()
    bench.remote.put("shop/approvals/3.json", b" " * ((1 << 20) + 1))
    mirror.step()
    assert mirror.trouble == "shop/approvals/3.json: it has more than 1,048,576 bytes"


def test_two_servers_with_one_folder(bench: Bench) -> None:
    """One of them mirrors, the other follows the folder and takes over when the first ends."""
    first, second = (
        bench.mirror(),
        Mirror(bench.remote.connect(), bench.folder, pause_s=PAUSE_S, on_failure=lambda: None),
    )
    bench.remote.place("shop", 1, version_files())
    first.step()
    bench.remote.place("shop", 2, version_files())
    second.step()
    assert len(held(bench.folder)) == 1
    first.close()
    second.step()
    assert len(held(bench.folder)) == 2
    second.close()


def test_first_look_is_awaited(bench: Bench) -> None:
    """Whoever waits is let go by the first look, also by one that fails."""
    bench.remote.place("shop", 1, version_files())
    mirror, stop = bench.mirror(), threading.Event()
    thread = threading.Thread(target=mirror.run, args=(stop,))
    thread.start()
    mirror.wait()
    assert len(held(bench.folder)) == 1
    stop.set()
    thread.join()


def test_newest_version_comes_first(bench: Bench) -> None:
    """Of several new versions the newest is here soonest, since it is what will serve."""
    for version in (1, 10, 9):
        bench.remote.place("shop", version, summed(version_files()))
    mirror = bench.mirror(lambda files: Counting(files, 7))
    with pytest.raises(Crash):
        mirror.step()
    assert [str(key) for key in held(bench.folder)] == ["shop/10"]


def test_signature_beside_the_hashes_is_mirrored(bench: Bench) -> None:
    """A small file that SHA256SUMS does not list, such as its signature, comes too; changed, it comes again."""
    bench.remote.place("shop", 1, {"SHA256SUMS.sig": b"old", **version_files()})
    mirror = bench.mirror()
    mirror.step()
    assert bench.copy()["shop/1/SHA256SUMS.sig"] == b"old"
    bench.remote.put("shop/1/SHA256SUMS.sig", b"new")
    mirror.step()
    assert bench.copy()["shop/1/SHA256SUMS.sig"] == b"new"
