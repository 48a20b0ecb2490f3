import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from server.bundle import SUMS_FILE
from server.errors import RepositoryUnreadable
from server.repository import Fingerprint, is_model_name, look, scan


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("shop", True),
        ("shop-2_a", True),
        ("1", True),
        ("a" * 64, True),
        ("a" * 65, False),
        ("", False),
        ("Shop", False),
        ("-shop", False),
        ("_shop", False),
        (".shop", False),
        ("sh op", False),
        ("shop\n", False),
        ("sh/op", False),
        ("café", False),
        ("\u0661", False),
    ],
)
def test_model_names(name: str, *, is_one: bool) -> None:
    """Lower-case letters, digits, '-' and '_', at most 64, and first a letter or a digit."""
    assert is_model_name(name) is is_one


def test_scan_sees_models_and_versions_only(tmp_path: Path) -> None:
    """Folders with other names, and files, are not seen."""
    for name in (".incoming-1", "Shop", "lost+found", "a" * 65):
        (tmp_path / name / "1").mkdir(parents=True)
    for name in ("0", "01", "-1", "1.0", "v1", "latest", ".incoming-7", "1" * 19, "٣", "1 "):
        (tmp_path / "shop" / name).mkdir(parents=True)
    for name in ("1", "20", "9" * 15):
        (tmp_path / "shop" / name).mkdir()
    (tmp_path / "empty").mkdir()
    (tmp_path / "readme").touch()
    (tmp_path / "shop" / "3").touch()
    found = scan(tmp_path)
    assert {name: sorted(versions) for name, versions in found.items()} == {"shop": [1, 20, 10**15 - 1], "empty": []}


def test_scan_follows_links_to_folders(tmp_path: Path) -> None:
    """A link to a folder is a folder; one that leads nowhere, or to itself, is not there."""
    (tmp_path / "elsewhere" / "1").mkdir(parents=True)
    repository = tmp_path / "repository"
    repository.mkdir()
    (repository / "shop").symlink_to(tmp_path / "elsewhere")
    (repository / "nowhere").symlink_to(tmp_path / "gone")
    (repository / "itself").symlink_to("itself")
    (tmp_path / "elsewhere" / "2").symlink_to("1")
    (tmp_path / "elsewhere" / "3").symlink_to("3")
    assert {name: sorted(versions) for name, versions in scan(repository).items()} == {"shop": [1, 2]}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda folder: (folder / "new").touch(), id="new file"),
        pytest.param(lambda folder: (folder / SUMS_FILE).write_text("longer"), id="size"),
        pytest.param(lambda folder: os.utime(folder / SUMS_FILE, ns=(0, 1)), id="time"),
        pytest.param(lambda folder: (folder / SUMS_FILE).rename(folder / "renamed"), id="name"),
        pytest.param(lambda folder: (folder / SUMS_FILE).unlink(), id="one less"),
    ],
)
def test_fingerprint_changes_with_the_folder(tmp_path: Path, change: Callable[[Path], object]) -> None:
    """Any file that comes, goes or changes makes the folder look different."""
    folder = tmp_path / "shop" / "1"
    folder.mkdir(parents=True)
    (folder / SUMS_FILE).touch()
    before = scan(tmp_path)
    assert scan(tmp_path) == before
    change(folder)
    assert scan(tmp_path) != before


@pytest.mark.parametrize(
    ("names", "is_complete"),
    [((), False), (("model.onnx",), False), ((SUMS_FILE,), True), (("model.onnx", SUMS_FILE), True)],
)
def test_completeness(names: tuple[str, ...], *, is_complete: bool) -> None:
    """A folder is complete once its hashes are there."""
    assert Fingerprint(tuple((name, 1, 1) for name in names)).is_complete is is_complete


def test_version_that_vanishes_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A version's folder that is taken away while it is looked at is not seen, and its neighbours are."""
    for version in ("1", "2"):
        (tmp_path / "shop" / version).mkdir(parents=True)
    list_folder = os.scandir

    def vanish(folder: str) -> Iterator[os.DirEntry[str]]:
        if Path(folder).name == "2":
            Path(folder).rmdir()
        return list_folder(folder)

    monkeypatch.setattr(os, "scandir", vanish)
    assert list(scan(tmp_path)["shop"]) == [1]


def test_missing_root(tmp_path: Path) -> None:
    """A root that is gone is an error with its path and the reason."""
    with pytest.raises(RepositoryUnreadable, match=r"repository .*gone cannot be read: No such file"):
        scan(tmp_path / "gone")


def test_root_that_is_a_file(tmp_path: Path) -> None:
    """So is one that is no folder."""
    (tmp_path / "file").touch()
    with pytest.raises(RepositoryUnreadable, match="Not a directory"):
        scan(tmp_path / "file")


def test_a_version_that_cannot_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is there and not complete, and does not hide the others."""
    for version in ("1", "2"):
        (tmp_path / "shop" / version).mkdir(parents=True)
        (tmp_path / "shop" / version / SUMS_FILE).touch()
    listing = os.scandir

    def refuse_one(folder: str) -> Iterator[os.DirEntry[str]]:
        if Path(folder).name == "2":
            raise PermissionError
        return listing(folder)

    monkeypatch.setattr(os, "scandir", refuse_one)
    found = scan(tmp_path)["shop"]
    assert {version: fingerprint.is_complete for version, fingerprint in found.items()} == {1: True, 2: False}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A model's folder with a version, a policy by way of a link, and an approval."""
    folder = tmp_path / "repository" / "shop"
    (folder / "1").mkdir(parents=True)
    (folder / "1" / SUMS_FILE).touch()
    (folder / "approvals").mkdir()
    (folder / "approvals" / "1.json").touch()
    (tmp_path / "mounted").write_text("{}")
    (folder / "policy.json").symlink_to(tmp_path / "mounted")
    return folder


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda shop: (shop / "1" / SUMS_FILE).write_text("more"), id="a version"),
        pytest.param(lambda shop: (shop / "2").mkdir(), id="a new version"),
        pytest.param(lambda shop: (shop / "policy.json").resolve().write_text("{ }"), id="what a link leads to"),
        pytest.param(lambda shop: (shop / "policy.json").resolve().unlink(), id="a link that leads nowhere"),
        pytest.param(lambda shop: (shop / "approvals" / "1.json").write_text("[]"), id="an approval"),
        pytest.param(lambda shop: (shop / "approvals" / "2.json").touch(), id="a new approval"),
        pytest.param(lambda shop: (shop.parent / "other").mkdir(), id="a new model"),
        pytest.param(lambda shop: shop.rename(shop.with_name("other")), id="another name"),
    ],
)
def test_looks_see_every_change(shop: Path, change: Callable[[Path], object]) -> None:
    """Of anything that decides what serves."""
    before = look(shop.parent)
    assert look(shop.parent) == before
    change(shop)
    assert look(shop.parent) != before


def test_looks_see_a_file_in_anothers_place(shop: Path) -> None:
    """As long as the old one and of the same moment, as two that are written right after one another."""
    policy = shop / "policy.json"
    status = policy.stat()
    before = look(shop.parent)
    (shop / "new").write_text("{}")
    os.utime(shop / "new", ns=(status.st_atime_ns, status.st_mtime_ns))
    (shop / "new").replace(policy)
    assert look(shop.parent) != before


def test_looks_see_models(shop: Path) -> None:
    """As scan does; a folder of others' beside the versions that nobody may list is no fault."""
    (shop / "theirs").mkdir(mode=0)
    sight = look(shop.parent)
    assert sight.models == scan(shop.parent)
    assert look(shop.parent) == sight
