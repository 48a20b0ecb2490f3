"""The rule of approvals, and their file."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from protos.audience.v1 import bundle_pb2
from server.approval import Approval, BadApprovals, Consent, Required, parse_approvals, read_approvals, sums_sha256
from server.errors import BadBundle
from server.signature import read_public_keys
from tests.keys import make_keys
from tests.server.approving import approval, approve
from tests.server.conftest import Versions
from training.judging.approval import signed
from training.signature import read_signing_key

ADA = Approval(model="shop", version=2, sums_sha256="ab", by="Ada", at_ms=5)
REQUIRED = Required(model="shop", version=2, sums_sha256="ab", people=("Ada", "Grace"))


@pytest.mark.parametrize(
    ("labels", "covered", "others"),
    [
        ((), {"", "stable", "canary"}, set()),
        (("stable",), {"", "stable"}, {"canary"}),
        (("canary", "beta"), {"canary", "beta"}, {"", "stable"}),
    ],
)
def test_labels(labels: tuple[str, ...], covered: set[str], others: set[str]) -> None:
    """It is needed for the labels that are named, or all; who asks for none gets what "stable" gets."""
    required = Required(model="shop", version=2, sums_sha256="ab", labels=labels)
    assert {label for label in covered | others if required.covers(label)} == covered


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({}, None),
        ({"by": "Grace", "note": "fine"}, None),
        ({"by": "Mallory"}, "that of Mallory does not count: they are not among those who may"),
        ({"model": "app"}, "that of Ada does not count: it is of other files"),
        ({"version": 1}, "that of Ada does not count: it is of other files"),
        ({"sums_sha256": "cd"}, "that of Ada does not count: it is of other files"),
    ],
)
def test_what_counts(given: dict[str, Any], reason: str | None) -> None:
    """An approval of this very version by one of those who may; otherwise it is said why not."""
    one = Approval(**{"model": "shop", "version": 2, "sums_sha256": "ab", "by": "Ada", "at_ms": 5, **given})
    assert REQUIRED.counting([one]) == (one if reason is None else None)
    assert reason is None or REQUIRED.lack([one]).endswith(f"; {reason}")


def test_one_is_enough() -> None:
    """Others beside it do no harm."""
    mallory = Approval(model="shop", version=2, sums_sha256="ab", by="Mallory", at_ms=5)
    assert REQUIRED.counting([mallory, ADA]) == ADA
    anybody = Required(model="shop", version=2, sums_sha256="ab")
    assert anybody.counting([mallory]) == mallory


def test_words() -> None:
    """Who may approve for which labels, and the command, which a shell can take as it is."""
    assert REQUIRED.lack([]) == "takes no label before Ada or Grace approved it; nobody has"
    named = Required(model="shop", version=2, sums_sha256="ab", labels=("stable", "beta"), people=("Ada Lovelace",))
    assert named.lack([]) == "takes the label 'stable' or 'beta' only when Ada Lovelace approved it; nobody has"
    assert named.command == ("python -m training approve --repository DIR --model shop --version 2 --by 'Ada Lovelace'")
    anybody = Required(model="shop", version=2, sums_sha256="ab")
    assert anybody.lack([]) == "takes no label before a named person approved it; nobody has"
    assert anybody.command.endswith(" --by NAME")


def test_signatures(tmp_path: Path) -> None:
    """Where keys are trusted, only what one of them signed counts."""
    pair, other = make_keys(tmp_path), make_keys(tmp_path, "other")
    keys = read_public_keys([pair.public])
    assert keys is not None
    good, bad = (signed(ADA, read_signing_key(one.private)) for one in (pair, other))
    assert REQUIRED.counting([ADA, bad, good], keys) == good
    assert REQUIRED.lack([bad], keys) == (
        "takes no label before Ada or Grace approved it, signed by a trusted key; "
        "that of Ada does not count: no trusted key signed it"
    )


def test_what_a_manifest_asks() -> None:
    """Nothing where it is not required, whatever else stands there; a label that none can be is the maker's fault."""
    manifest = bundle_pb2.Manifest(model="shop", version=2)
    assert Required.of(manifest, "ab") is None
    manifest.approvals.people.extend(["Ada", "Grace"])
    assert Required.of(manifest, "ab") is None
    manifest.approvals.required = True
    assert Required.of(manifest, "ab") == REQUIRED
    manifest.approvals.labels.append("Stable")
    with pytest.raises(BadBundle, match="an approval is asked for the label 'Stable', which no version can have"):
        Required.of(manifest, "ab")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "holds no approvals"),
        ("[]", "holds no approvals"),
        ("[" * 100_000, "holds no approvals"),
        ('{"format": 2, "approvals": []}', "has format 2; known is 1"),
        ('{"format": 1}', "holds no approvals: 'approvals'"),
        (" " * ((1 << 20) + 1), "has more than 1,048,576 bytes"),
    ],
)
def test_no_file_of_approvals(text: str, reason: str) -> None:
    """It is said what is wrong with it."""
    with pytest.raises(BadApprovals, match=reason):
        parse_approvals(text.encode(), "approvals/2.json")


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"at_ms": "yesterday"}, "at_ms is 'yesterday'"),
        ({"version": True}, "version is True"),
        ({"by": 1}, "by is 1"),
        ({"by": "Ada\nGrace"}, "by is 'Ada.nGrace'"),
        ({"model": "\ud800"}, "surrogates not allowed"),
        ({"more": 1}, "unexpected keyword argument 'more'"),
    ],
)
def test_no_approval(wrong: dict[str, Any], reason: str) -> None:
    """A field of another type, or a name that could be two, is damage, not a value."""
    one = {"model": "shop", "version": 2, "sums_sha256": "ab", "by": "Ada", "at_ms": 5, **wrong}
    with pytest.raises(BadApprovals, match=reason):
        parse_approvals(json.dumps({"format": 1, "approvals": [one]}).encode(), "approvals/2.json")


def test_file_is_followed(versions: Versions, tmp_path: Path) -> None:
    """An approval counts once it is there, and no longer when it is gone; a file that stays is not read again."""
    folder = versions.put(tmp_path, 2)
    required = Required(model="shop", version=2, sums_sha256=sums_sha256(folder), people=("Ada Lovelace",))
    path = tmp_path / "shop" / "approvals" / "2.json"
    begun = Consent(required, lack="not looked at")
    nobody = begun.looked_at(path)
    assert (nobody.by, nobody.lack) == (None, "takes no label before Ada Lovelace approved it; nobody has")
    approve(folder, approval(folder, "Mallory"))
    assert "that of Mallory does not count" in nobody.looked_at(path).lack
    approve(folder, approval(folder, "Mallory"), approval(folder))
    given = nobody.looked_at(path)
    assert (given.by, given.lack) == ("Ada Lovelace", "")
    assert given.looked_at(path) is given
    path.unlink()
    assert given.looked_at(path).lack == nobody.lack


def test_file_that_cannot_be_used(versions: Versions, tmp_path: Path) -> None:
    """It lets nothing through, and the reason says so; it is looked at again."""
    folder = versions.put(tmp_path, 2)
    consent = Consent(Required(model="shop", version=2, sums_sha256=sums_sha256(folder), people=("Ada Lovelace",)))
    path = approve(folder)
    good = path.read_bytes()
    path.write_bytes(good[:-1])
    cut = consent.looked_at(path)
    assert "that is known: approvals/2.json holds no approvals" in cut.lack
    path.write_bytes(good)
    assert cut.looked_at(path).by == "Ada Lovelace"
    path.unlink()
    os.mkfifo(path)
    assert "approvals/2.json is not a plain file" in consent.looked_at(path).lack


def test_model_that_went(versions: Versions, tmp_path: Path) -> None:
    """What was approved stays so while the model's whole folder is away."""
    folder = versions.put(tmp_path, 2)
    path = approve(folder)
    required = Required(model="shop", version=2, sums_sha256=sums_sha256(folder))
    given = Consent(required).looked_at(path)
    (tmp_path / "shop").rename(tmp_path / "away")
    assert given.looked_at(path) is given


def test_what_is_not_there(tmp_path: Path) -> None:
    """No file says that nobody agreed; no version has no hash."""
    assert read_approvals(tmp_path / "2.json") == []
    with pytest.raises(BadBundle, match="SHA256SUMS cannot be read: No such file"):
        sums_sha256(tmp_path)
