"""Where policies are kept."""

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protos.audience.v1.policy_pb2 import Policy, Share
from server.administration import changes
from server.administration.changes import Change, NotFound, NotPossible
from server.administration.policies import Conflict, LocalPolicies, NotWritten
from server.errors import AudienceError, BadPolicy
from server.policy import read_policy, write_policy
from server.repository import POLICY_FILE
from tests.server.conftest import law


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the policy of "shop" is kept; the model's folder is there, and no policy yet."""
    (tmp_path / "shop").mkdir()
    return tmp_path / "shop" / POLICY_FILE


def test_change_is_written(path: Path, tmp_path: Path) -> None:
    """The first change makes the file, the next goes on from it, and what is told is what is in it."""
    policies = LocalPolicies(tmp_path)
    policies.change("shop", changes.load(1))
    told = policies.change("shop", changes.set_label("canary", 2, 1))
    assert told == Policy(versions=[1], labels={"canary": 2})
    assert read_policy(path.read_bytes()) == told
    assert [entry.name for entry in path.parent.iterdir()] == [POLICY_FILE]


def test_other_hands_are_respected(path: Path, tmp_path: Path) -> None:
    """What somebody wrote by hand, between two changes, stays but for what is changed."""
    policies = LocalPolicies(tmp_path)
    policies.change("shop", changes.load(1))
    path.write_text('{"newest": 3}')
    assert policies.change("shop", changes.set_holdout(5)).newest == 3


def test_what_changes_nothing_writes_nothing(path: Path, tmp_path: Path) -> None:
    """The file stays as it is, also where there is none."""
    policies = LocalPolicies(tmp_path)
    assert policies.change("shop", changes.set_split([], "")) == Policy()
    assert not path.exists()
    path.write_text('{ "versions": ["1"] }')
    policies.change("shop", changes.load(1))
    assert path.read_text() == '{ "versions": ["1"] }'


@pytest.mark.parametrize("meanwhile", ['{"newest": 2}', None, "garbage"])
def test_somebody_else_is_faster(path: Path, tmp_path: Path, meanwhile: str | None) -> None:
    """A policy that is another one, or gone, once the change is worked out is not replaced; trying again may help."""
    path.write_text('{"newest": 4}')

    def change(policy: Policy) -> None:
        changes.load(1)(policy)
        path.unlink()
        if meanwhile is not None:
            path.write_text(meanwhile)

    with pytest.raises(NotPossible if meanwhile == "garbage" else Conflict) as caught:
        LocalPolicies(tmp_path).change("shop", change)
    assert meanwhile == "garbage" or "was changed by somebody else at the same moment; try again" in str(caught.value)
    assert (path.read_text() if path.exists() else None) == meanwhile


def test_garbage_is_mended_by_hand(path: Path, tmp_path: Path) -> None:
    """A file that is no policy is left alone; the reason says what is wrong with it and what to do."""
    path.write_text('{"lables": {}}')
    with pytest.raises(NotPossible, match=r'(?s)no field named "lables".*; mend policy\.json by hand, or remove it'):
        LocalPolicies(tmp_path).change("shop", changes.load(1))
    assert path.read_text() == '{"lables": {}}'


@pytest.mark.parametrize(
    ("number", "words"), [(errno.EROFS, "Read-only file system"), (errno.EACCES, "denied"), (errno.ENOSPC, "No space")]
)
def test_repository_that_cannot_be_written(path: Path, tmp_path: Path, number: int, words: str) -> None:
    """The reason is the system's, and names the model."""

    def refuse(_path: Path, _policy: Policy) -> None:
        raise OSError(number, os.strerror(number))

    with pytest.raises(NotWritten, match=words) as caught:
        LocalPolicies(tmp_path, refuse).change("shop", changes.load(1))
    assert "the policy of 'shop' cannot be written" in str(caught.value)
    assert not path.exists()


def test_model_that_went(tmp_path: Path) -> None:
    """Without the model's folder there is nothing to change, and none is made."""
    with pytest.raises(NotFound, match="model 'shop' is not in the repository any longer"):
        LocalPolicies(tmp_path).change("shop", changes.load(1))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "change",
    [
        changes.set_split([Share(label="canary", basis_points=1)], ""),
        changes.set_holdout(10_001),
        changes.load(0),
        changes.set_label("Canary", 1, 0),
        changes.set_split([], "x" * (1 << 16)),
    ],
)
def test_what_no_server_would_read_is_not_written(path: Path, tmp_path: Path, change: Change) -> None:
    """A change that makes the policy none, or too long to be read again, is refused, and the file stays."""
    path.write_text('{"newest": 2}')
    with pytest.raises(BadPolicy):
        LocalPolicies(tmp_path).change("shop", change)
    assert path.read_text() == '{"newest": 2}'


@law
@given(st.lists(st.integers(-1, 3).map(changes.load) | st.integers(0, 10_001).map(changes.set_holdout), max_size=6))
def test_file_is_always_a_policy(tmp_path_factory: pytest.TempPathFactory, sequence: list[Change]) -> None:
    """After any changes, possible or not, the file holds what was last told."""
    root = tmp_path_factory.mktemp("repository")
    path = root / "shop" / POLICY_FILE
    path.parent.mkdir()
    policies, told = LocalPolicies(root, _write_quickly), Policy()
    for change in sequence:
        try:
            told = policies.change("shop", change)
        except AudienceError:
            continue
    assert (read_policy(path.read_bytes()) if path.exists() else Policy()) == told


def _write_quickly(path: Path, policy: Policy) -> None:
    """As replace_policy, without waiting for the disk."""
    draft = path.with_suffix(".draft")
    draft.write_bytes(write_policy(policy))
    draft.replace(path)
