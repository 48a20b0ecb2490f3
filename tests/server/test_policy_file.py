"""The policy's file in the repository."""

from pathlib import Path

import pytest

from protos.audience.v1.policy_pb2 import Policy
from server.errors import BadPolicy
from server.policy_file import PolicyFile, replace_policy


def test_file_is_followed(tmp_path: Path) -> None:
    """None is an empty policy; one that is replaced is read, once; one that went is an empty policy again."""
    path = tmp_path / "policy.json"
    nothing = PolicyFile().looked_at(path)
    assert nothing.content == Policy()
    replace_policy(path, Policy(newest=2))
    first = nothing.looked_at(path)
    assert first.content == Policy(newest=2)
    assert first.looked_at(path) is first
    replace_policy(path, Policy(newest=3))
    assert first.looked_at(path).content == Policy(newest=3)
    path.unlink()
    assert first.looked_at(path) == PolicyFile()
    assert list(tmp_path.iterdir()) == []


def test_folder_that_goes(tmp_path: Path) -> None:
    """A policy that went with its model's whole folder, which nobody unpublishes so, stays until the folder is back."""
    folder = tmp_path / "shop"
    folder.mkdir()
    replace_policy(folder / "policy.json", Policy(newest=2))
    read = PolicyFile().looked_at(folder / "policy.json")
    away = folder.rename(tmp_path / "away")
    assert read.looked_at(folder / "policy.json") is read
    (away / "policy.json").unlink()
    away.rename(folder)
    assert read.looked_at(folder / "policy.json") == PolicyFile()


@pytest.mark.parametrize("kind", ["link", "folder", "garbage"])
def test_file_that_is_no_policy(tmp_path: Path, kind: str) -> None:
    """Links, folders and other content are refused with a reason."""
    path = tmp_path / "policy.json"
    if kind == "link":
        (tmp_path / "other").write_text("{}")
        path.symlink_to(tmp_path / "other")
    elif kind == "folder":
        path.mkdir()
    else:
        path.write_text("garbage")
    with pytest.raises(BadPolicy, match=r"not a plain file|is not an audience\.v1\.Policy"):
        PolicyFile().looked_at(path)


def test_nothing_is_left_of_a_policy_that_cannot_be_written(tmp_path: Path) -> None:
    """The file stays as it was, and no draft stays beside it."""
    path = tmp_path / "policy.json"
    path.mkdir()
    with pytest.raises(OSError, match="directory"):
        replace_policy(path, Policy(newest=2))
    assert [entry.name for entry in tmp_path.iterdir()] == ["policy.json"]
