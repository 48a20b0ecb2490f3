"""Callers may follow the features of any version."""

import shutil
from pathlib import Path

import pytest

from server import inspection
from server.bundle import Description, read_description
from server.errors import InvalidRequest
from server.handover import Handover
from tests.server.conftest import Versions
from tests.server.loader.pair import Pair, vector_of


@pytest.mark.parametrize("was_loaded", [True, False])
def test_schema_of_a_version_that_does_not_serve_is_known(pair: Pair, versions: Versions, *, was_loaded: bool) -> None:
    """Callers may follow the schema of any version on disk, also of one that never served."""
    older = versions.put(pair.root, 1)
    if was_loaded:
        pair.step()
    versions.put(pair.root, 2)
    pair.step()
    assert pair.registry.current.find("shop", 2).reader.read(vector_of(older)).is_remapped


def test_schema_that_comes_later_is_known(pair: Pair, versions: Versions) -> None:
    """An older version that is put beside what serves is not loaded, but its schema is known from then on."""
    versions.put(pair.root, 2)
    pair.step()
    older = versions.put(pair.root, 1)
    with pytest.raises(InvalidRequest, match="no version in the repository"):
        pair.registry.current.find("shop", 2).reader.read(vector_of(older))
    pair.step()
    assert pair.registry.current.find("shop", 2).reader.read(vector_of(older)).is_remapped
    assert pair.ready_count == 1


def test_schema_of_a_version_that_went_is_known(pair: Pair, versions: Versions) -> None:
    """Callers learn of a swap later than the server: a version's schema is known as long as the process lives."""
    older = versions.put(pair.root, 1)
    pair.step()
    vector = vector_of(older)
    versions.put(pair.root, 2)
    shutil.rmtree(older)
    pair.step()
    assert pair.registry.current.find("shop", 2).reader.read(vector).is_remapped


def test_schema_of_a_version_that_was_away_for_a_moment_is_known(
    pair: Pair, versions: Versions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version that went while it was read, and came back as it was, is read again."""
    versions.put(pair.root, 2)
    older = versions.put(pair.root, 1)
    away = pair.root / ".away"

    def vanish(folder: Path, keys: object) -> Description:
        if folder == older:
            older.rename(away)
        return read_description(folder)

    with monkeypatch.context() as patch:
        patch.setattr(inspection, "read_description", vanish)
        assert "SHA256SUMS cannot be read" in pair.step()["shop"].refused[1]
    assert pair.step()["shop"].refused == {}
    away.rename(older)
    pair.step()
    assert pair.registry.current.find("shop", 2).reader.read(vector_of(older)).is_remapped


def test_version_waits_until_every_worker_knows_its_features(pair: Pair, versions: Versions) -> None:
    """A version with other features is begun with once no worker would refuse its vector."""
    versions.put(pair.root, 1)
    pair.step()
    folder = versions.put(pair.root, 2)
    pair.is_idle = True
    pair.loader.step()
    assert [wished.version for wished in Handover(pair.runtime).wish.models] == [1]
    pair.worker.step()
    assert pair.registry.current.find("shop", 1).reader.read(vector_of(folder)).is_remapped
    assert pair.step()["shop"].serving == 2
