from collections.abc import Callable
from pathlib import Path

import pytest

from protos.audience.v1 import bundle_pb2
from server.bundle import MANIFEST_FILE, read_bundle, read_description
from server.errors import BadBundle
from tests.server import damage
from tests.server.damage import Damage


def manifest(text: str | bytes) -> Damage:
    """Replaces the manifest."""
    data = text if isinstance(text, bytes) else text.encode()
    return lambda folder: damage.rewrite(folder, MANIFEST_FILE, data)


def edited(change: Callable[[bundle_pb2.Manifest], object]) -> Damage:
    """Changes the manifest."""
    return lambda folder: damage.edit(folder, change)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        pytest.param(edited(lambda m: setattr(m, "version", 3)), "is of shop/3; its folder is shop/2", id="version"),
        pytest.param(edited(lambda m: setattr(m, "version", -2)), "is of shop/-2", id="negative version"),
        pytest.param(edited(lambda m: setattr(m, "model", "app")), "is of app/2; its folder is shop/2", id="model"),
        pytest.param(edited(lambda m: setattr(m, "format_version", 2)), "format version 2; this server", id="newer"),
        pytest.param(edited(lambda m: m.ClearField("format_version")), "has format version 0", id="no format"),
        pytest.param(
            edited(lambda m: setattr(m.schema, "fingerprint", "0" * 32)),
            "the schema's fingerprint is '000",
            id="schema",
        ),
        pytest.param(edited(lambda m: m.ClearField("schema")), "the schema has no features", id="no schema"),
        pytest.param(edited(lambda m: setattr(m.heads[0], "kind", 0)), "head 'value' is of no kind", id="head"),
        pytest.param(edited(lambda m: m.ClearField("heads")), "the manifest has no heads", id="no heads"),
        pytest.param(edited(lambda m: m.ClearField("graph")), "the graph has 0", id="no graph"),
        pytest.param(manifest(""), "is not an audience.v1.Manifest", id="empty"),
        pytest.param(manifest("hello"), "is not an audience.v1.Manifest", id="not JSON"),
        pytest.param(manifest("null"), "is not an audience.v1.Manifest", id="null"),
        pytest.param(manifest("3"), "is not an audience.v1.Manifest", id="number"),
        pytest.param(manifest("[]"), "is not an audience.v1.Manifest", id="list"),
        pytest.param(manifest('{"heads": 5}'), "is not an audience.v1.Manifest", id="wrong type"),
        pytest.param(manifest('{"heads": [null]}'), "is not an audience.v1.Manifest", id="null among heads"),
        pytest.param(manifest('{"version": 1e999}'), "is not an audience.v1.Manifest", id="infinite version"),
        pytest.param(manifest(f'{{"version": {"9" * 9999}}}'), "is not an audience.v1.Manifest", id="endless version"),
        pytest.param(
            manifest(f'{{"parity": {{"absolute_tolerance": 1{"0" * 400}}}}}'),
            "is not an audience.v1.Manifest",
            id="number beyond floats",
        ),
        pytest.param(manifest(b"\xff\xfe"), "is not an audience.v1.Manifest", id="not UTF-8"),
        pytest.param(manifest('{"model": "\\ud800"}'), "is not an audience.v1.Manifest", id="half a character"),
        pytest.param(manifest("[" * 10**6), "is not an audience.v1.Manifest", id="a million brackets"),
        pytest.param(manifest('{"a":' * 10**6), "is not an audience.v1.Manifest", id="a million braces"),
        pytest.param(manifest('{"a":' * 500 + "1" + "}" * 500), "has format version 0", id="deep in what is not known"),
    ],
)
def test_bad_manifests_are_refused(folder: Path, spoil: Damage, reason: str) -> None:
    """A manifest that is none, of another version or of the future is refused, by both readers alike."""
    spoil(folder)
    for read in (read_bundle, read_description):
        with pytest.raises(BadBundle) as caught:
            read(folder)
        assert reason in str(caught.value)
