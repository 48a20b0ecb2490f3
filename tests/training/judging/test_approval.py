import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from protos.audience.v1 import bundle_pb2
from server.approval import Approval, approval_path
from server.bundle import SUMS_FILE
from server.mirror import Mirror
from server.remote import Remote
from server.repository import scan
from server.signature import read_public_keys
from tests.bundles import Made
from tests.keys import make_keys
from tests.store import Repository
from training.judging.approval import NotApproved, check_approval, read_approvals, record
from training.judging.command import main
from training.judging.order import ApprovalOrder
from training.publish import bundle_files, publish
from training.remote import publish_remote
from training.signature import read_signing_key

REQUIRED = ApprovalOrder(required=True, labels=("stable",), people=("Ada", "Grace"))


def _publish(made: Made, repository: Path, evaluation: dict[str, Any] | None = None) -> Path:
    manifest = bundle_pb2.Manifest()
    manifest.CopyFrom(made.manifest)
    reference = (made.evidence.reference_features, made.evidence.reference_scores)
    return publish(repository, "shop", 1, bundle_files(manifest, made.graph, reference, evaluation or {}))


def test_recorded_and_checked(made: Made, repository: Path) -> None:
    """What was written down is read again, and lets the version take the label; the version itself stays as it was."""
    folder = _publish(made, repository)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    given = record(repository, "shop", 1, by="Ada", at_ms=5, note="as in the report")
    assert given.sums_sha256 == hashlib.sha256(before[SUMS_FILE]).hexdigest()
    assert read_approvals(repository, "shop", 1) == [given]
    assert check_approval(repository, "shop", 1, "stable", REQUIRED) == given
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert list(scan(repository)["shop"]) == [1]


def test_not_needed(made: Made, repository: Path) -> None:
    """Other labels, and models that ask for nothing, need no approval."""
    _publish(made, repository)
    assert check_approval(repository, "shop", 1, "canary", REQUIRED) is None
    assert check_approval(repository, "shop", 1, "stable", ApprovalOrder()) is None
    with pytest.raises(NotApproved, match="shop/1 takes no label before a named person approved it; nobody has"):
        check_approval(repository, "shop", 1, "canary", ApprovalOrder(required=True))


def test_several_people(made: Made, repository: Path) -> None:
    """Each is kept once, with the last word; one who may is enough."""
    _publish(made, repository)
    record(repository, "shop", 1, by="Mallory", at_ms=1)
    with pytest.raises(
        NotApproved,
        match="shop/1 takes the label 'stable' only when Ada or Grace approved it; that of Mallory does not count",
    ):
        check_approval(repository, "shop", 1, "stable", REQUIRED)
    record(repository, "shop", 1, by="Grace", at_ms=2)
    record(repository, "shop", 1, by="Mallory", at_ms=3, note="still")
    assert [(one.by, one.at_ms, one.note) for one in read_approvals(repository, "shop", 1)] == [
        ("Grace", 2, ""),
        ("Mallory", 3, "still"),
    ]
    found = check_approval(repository, "shop", 1, "stable", REQUIRED)
    assert found is not None
    assert found.by == "Grace"


def test_of_these_very_files(made: Made, repository: Path) -> None:
    """An approval of other files, or moved from another version, counts for nothing."""
    folder = _publish(made, repository)
    record(repository, "shop", 1, by="Ada", at_ms=1)
    sums = folder / SUMS_FILE
    sums.write_bytes(sums.read_bytes() + b"\n")
    with pytest.raises(NotApproved, match="that of Ada does not count: it is of other files"):
        check_approval(repository, "shop", 1, "stable", REQUIRED)


def test_signed(made: Made, repository: Path, tmp_path: Path) -> None:
    """Where keys are trusted, only what one of them signed counts, and only as it was signed."""
    _publish(made, repository)
    pair, other = make_keys(tmp_path), make_keys(tmp_path, "other")
    trusted = read_public_keys([pair.public])
    record(repository, "shop", 1, by="Ada", at_ms=1)
    for key in (None, read_signing_key(other.private)):
        record(repository, "shop", 1, by="Ada", at_ms=1, key=key)
        with pytest.raises(NotApproved, match="that of Ada does not count: no trusted key signed it"):
            check_approval(repository, "shop", 1, "stable", REQUIRED, trusted)
    signed = record(repository, "shop", 1, by="Ada", at_ms=1, note="a\nb", key=read_signing_key(pair.private))
    assert check_approval(repository, "shop", 1, "stable", REQUIRED, trusted) == signed
    assert trusted is not None
    assert signed.is_signed_by(trusted)
    for change in ({"by": "Grace"}, {"at_ms": 2}, {"note": "a"}, {"version": 2}, {"model": "x"}, {"sums_sha256": "0"}):
        assert not dataclasses.replace(signed, **change).is_signed_by(trusted)


@pytest.mark.parametrize(
    ("evaluation", "by", "reason"),
    [
        ({}, " ", "' ' is no name; needed is that of a person"),
        ({}, "Ada\nGrace", "is no name"),
        ({"approval": {"people": ["Grace"]}}, "Ada", "Ada may not approve shop/1; Grace may"),
        (
            {"gates": [{"gate": "minimum_auc", "head": "buys", "holds": False}]},
            "Ada",
            "shop/1 cannot be approved: these gates do not hold: minimum_auc of buys",
        ),
    ],
)
def test_who_may_not(made: Made, repository: Path, evaluation: dict[str, Any], by: str, reason: str) -> None:
    """Somebody without a name or not among those who may; and nobody can where a gate does not hold."""
    _publish(made, repository, evaluation)
    with pytest.raises(NotApproved) as caught:
        record(repository, "shop", 1, by=by, at_ms=1)
    assert reason in str(caught.value)
    assert read_approvals(repository, "shop", 1) == []


def test_what_is_not_whole(made: Made, repository: Path) -> None:
    """A version that is not there, or damaged, cannot be approved."""
    with pytest.raises(NotApproved, match="shop/1 is not there: nothing can be approved"):
        record(repository, "shop", 1, by="Ada", at_ms=1)
    (_publish(made, repository) / "model.onnx").write_bytes(b"other")
    with pytest.raises(NotApproved, match=r"cannot be approved: model\.onnx"):
        record(repository, "shop", 1, by="Ada", at_ms=1)


def test_manifest_names_who_may(made: Made, repository: Path) -> None:
    """Where the evaluation says nothing, as of a version that was made elsewhere, the manifest does."""
    manifest = bundle_pb2.Manifest()
    manifest.CopyFrom(made.manifest)
    manifest.approvals.CopyFrom(bundle_pb2.Approvals(required=True, people=["Grace"]))
    reference = (made.evidence.reference_features, made.evidence.reference_scores)
    publish(repository, "shop", 1, bundle_files(manifest, made.graph, reference, {}))
    with pytest.raises(NotApproved, match="Ada may not approve shop/1; Grace may"):
        record(repository, "shop", 1, by="Ada", at_ms=1)


def test_at_an_address(made: Made, remote: Repository, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A version at an address is approved there, after the same checks; servers that mirror it get the approval."""
    publish_remote(remote.address, "shop", 1, made.files())
    place = ["--repository", remote.address, "--model", "shop", "--version", "1", "--by"]
    assert main([*place, "Ada", "--note", "fine"], now_ms=lambda: 7) == 0
    assert capsys.readouterr().out == f"Ada approved shop/1 (not signed): {remote.address}/shop/approvals/1.json\n"
    assert main([*place, "Grace"], now_ms=lambda: 8) == 0
    assert main([*place, "Ada"], now_ms=lambda: 9) == 0
    mirror = Mirror(remote.connect(), tmp_path, pause_s=1.0, on_failure=lambda: None)
    mirror.step()
    mirror.close()
    assert [(one.by, one.at_ms) for one in read_approvals(tmp_path, "shop", 1)] == [("Grace", 8), ("Ada", 9)]
    found = check_approval(tmp_path, "shop", 1, "stable", REQUIRED)
    assert found is not None
    assert found.by == "Grace"


def test_address_without_the_version(made: Made, remote: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    """What is not there, or damaged there, is not approved, and no file appears."""
    place = ["--repository", remote.address, "--model", "shop", "--version", "1", "--by", "Ada"]
    with pytest.raises(SystemExit):
        main(place)
    assert capsys.readouterr().err.endswith("/shop/1 is not there: nothing can be approved\n")
    remote.place("shop", 1, {**made.files(), "model.onnx": b"other"})
    with pytest.raises(SystemExit):
        main(place)
    assert "/shop/1 cannot be approved: model.onnx was altered or cut" in capsys.readouterr().err
    names = remote.keys()
    assert "shop/approvals/1.json" not in names


def test_two_who_approve_at_once(made: Made, remote: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two who find no approval there at the same moment, the later one keeps what the other wrote."""
    publish_remote(remote.address, "shop", 1, made.files())
    record(remote.address, "shop", 1, by="Grace", at_ms=1)
    listed = Remote.files
    monkeypatch.setattr(
        Remote, "files", lambda self: {name: file for name, file in listed(self).items() if "approvals" not in name}
    )
    record(remote.address, "shop", 1, by="Ada", at_ms=2)
    content = json.loads(remote.connect().read("shop/approvals/1.json", 10_000))
    assert [one["by"] for one in content["approvals"]] == ["Grace", "Ada"]


@pytest.mark.parametrize(
    "content",
    ["{", "[]", '{"format": 2, "approvals": []}', '{"format": 1}', '{"format": 1, "approvals": [{"by": 1}]}'],
)
def test_damaged_file(made: Made, repository: Path, content: str) -> None:
    """A file that holds something else lets nothing through, and says so."""
    _publish(made, repository)
    path = approval_path(repository, "shop", 1)
    path.parent.mkdir()
    path.write_text(content, encoding="utf-8")
    with pytest.raises(NotApproved, match=r"approvals/1\.json"):
        check_approval(repository, "shop", 1, "stable", REQUIRED)


def test_numbers_are_numbers(made: Made, repository: Path) -> None:
    """A field of another type is damage, not a value."""
    _publish(made, repository)
    approval = Approval(model="shop", version=1, sums_sha256="0", by="Ada", at_ms=1)
    path = approval_path(repository, "shop", 1)
    path.parent.mkdir()
    wrong = dataclasses.asdict(approval) | {"at_ms": "yesterday"}
    path.write_text(json.dumps({"format": 1, "approvals": [wrong]}), encoding="utf-8")
    with pytest.raises(NotApproved, match="at_ms is 'yesterday'"):
        read_approvals(repository, "shop", 1)


def test_command(made: Made, repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It says what it wrote and where; what cannot be approved ends with status 1 and a reason."""
    _publish(made, repository)
    place = ["--repository", str(repository), "--model", "shop", "--by", "Ada", "--note", "fine", "--version"]
    assert main([*place, "1"], now_ms=lambda: 7) == 0
    shown = capsys.readouterr().out
    assert shown == f"Ada approved shop/1 (not signed): {repository}/shop/approvals/1.json\n"
    assert read_approvals(repository, "shop", 1)[0].at_ms == 7
    with pytest.raises(SystemExit) as caught:
        main([*place, "2"])
    assert caught.value.code == 1
    assert "nothing was approved: " in capsys.readouterr().err
