"""Versions that ask for an approval, and approvals as any program could write them."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from protos.audience.v1 import bundle_pb2
from server.bundle import SUMS_FILE
from tests.server import damage


def ask(folder: Path, *labels: str, people: Sequence[str] = ("Ada Lovelace",)) -> Path:
    """Has a published version ask these people before it takes these labels, or any."""

    def change(manifest: bundle_pb2.Manifest) -> None:
        manifest.approvals.CopyFrom(bundle_pb2.Approvals(required=True, labels=labels, people=people))

    damage.edit(folder, change)
    return folder


def approval(folder: Path, by: str = "Ada Lovelace", **other: Any) -> dict[str, Any]:
    """An approval of the version in this folder, with other values where they are given."""
    sums = hashlib.sha256((folder / SUMS_FILE).read_bytes()).hexdigest()
    return {
        "model": folder.parent.name,
        "version": int(folder.name),
        "sums_sha256": sums,
        "by": by,
        "at_ms": 1,
        **other,
    }


def approve(folder: Path, *approvals: dict[str, Any]) -> Path:
    """Puts these approvals beside the version, or one by Ada Lovelace; the file."""
    path = folder.parent / "approvals" / f"{folder.name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"format": 1, "approvals": approvals or (approval(folder),)}))
    return path
