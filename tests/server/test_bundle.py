from pathlib import Path

import pytest
from google.protobuf import json_format

from protos.audience.v1 import bundle_pb2
from server.bundle import MANIFEST_FILE, MODEL_FILE, read_bundle, read_description
from server.errors import BadBundle
from tests import bundles
from tests.server import damage


def test_whole_version_is_read(folder: Path) -> None:
    """A published version round trips: every file verified, the manifest as it was written, arrays as they were."""
    bundle = read_bundle(folder)
    written = json_format.Parse((folder / MANIFEST_FILE).read_bytes(), bundle_pb2.Manifest())
    assert bundle.description.manifest == written
    assert list(bundle.description.schema.positions) == [spec.name for spec in bundles.SPECS]
    assert list(bundle.description.heads) == ["value", "style", "buys_7d", "spend_30d"]
    assert bundle.model == (folder / MODEL_FILE).read_bytes()
    assert bundle.reference.features.shape == (len(bundle.reference.scores), 5)
    assert bundle.reference.scores.shape[1] == written.graph.score_count == 9


def test_description_needs_only_the_manifest(folder: Path) -> None:
    """What a version says of itself is known though its graph is gone."""
    (folder / MODEL_FILE).unlink()
    assert read_description(folder).manifest.version == 2


def test_more_files_are_verified_too(folder: Path) -> None:
    """A version may have files that this server does not know; their hashes count all the same."""
    damage.rewrite(folder, "notes.txt", b"made on a Friday")
    read_bundle(folder)
    (folder / "notes.txt").write_text("on a Monday")
    with pytest.raises(BadBundle, match=r"notes.txt was altered or cut"):
        read_bundle(folder)


def test_unknown_fields_are_no_damage(folder: Path) -> None:
    """A manifest with fields of the future is read without them."""
    text = (folder / MANIFEST_FILE).read_text().replace("{", '{"from_the_future": {"a": [1]},', 1)
    damage.rewrite(folder, MANIFEST_FILE, text.encode())
    assert read_bundle(folder).description.manifest.version == 2
