"""A server under load, and a repository in which things go wrong."""

import json
import random
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.bundle import SIGNATURE_FILE, SUMS_FILE
from server.repository import POLICY_FILE
from tests.benchmarks.editions import Shelf
from tests.chaos.damage import Files

_LOOK_S = 0.05
_PATIENCE_S = 90.0


class Missed(Exception):
    """What should have happened did not. The text says what."""


@dataclass(frozen=True, slots=True)
class Pick:
    """Which of the bundles a version is to be made of: a usual one, or the one that takes long to load."""

    bundle: int


USUAL, OTHER, SLOW = Pick(0), Pick(1), Pick(2)


class Scene:
    """What the cases act on.

    Args:
        shelf: of three bundles: USUAL, OTHER and SLOW. Version 1 is published, and serves.
        log: the server's log.
        generator: of random moments.

    Attributes:
        serving: the version that serves when nothing is going on.
    """

    def __init__(self, shelf: Shelf, log: Path, generator: random.Random) -> None:
        self.shelf = shelf
        self.generator = generator
        self.serving = 1
        self._log = log
        self._last = 1

    @property
    def policy(self) -> Path:
        """Where the model's policy is."""
        return self.shelf.model / POLICY_FILE

    def folder(self, version: int) -> Path:
        """Where a published version is."""
        return self.shelf.model / str(version)

    def new_version(self, pick: Pick = USUAL) -> int:
        """A number that is higher than all before, of a version that is made of this bundle."""
        self._last += 1
        while (self._last - 1) % len(self.shelf.bundles) != pick.bundle:
            self._last += 1
        return self._last

    def files(self, version: int) -> Files:
        """The files of a version, made and not published."""
        path = self.shelf.prepare(version)
        files = {entry.name: entry.read_bytes() for entry in path.iterdir()}
        shutil.rmtree(path)
        return files

    def signed(self, files: Files) -> Files:
        """These files with the publisher's signature of their hashes."""
        key = self.shelf.key
        return files if key is None else {**files, SIGNATURE_FILE: key.sign(files[SUMS_FILE])}

    def place(self, version: int, files: Files) -> None:
        """Publishes these files by one rename, whatever is in them."""
        draft = self.shelf.model / f".draft-{version}"
        draft.mkdir()
        for name, data in files.items():
            (draft / name).write_bytes(data)
        draft.rename(self.folder(version))

    def lines(self, event: str, **fields: object) -> list[dict[str, Any]]:
        """Lines of the log with this event and these fields."""
        found = [json.loads(line) for line in self._log.read_text(encoding="utf-8").splitlines() if line[:1] == "{"]
        wanted = {"event": event, **fields}
        return [line for line in found if wanted.items() <= line.items()]

    def wait(self, holds: Callable[[], bool], what: str) -> None:
        """Returns once it holds.

        Raises:
            Missed: it did not in time.
        """
        last = time.monotonic() + _PATIENCE_S
        while not holds():
            if time.monotonic() > last:
                raise Missed(f"not within {_PATIENCE_S:g} s: {what}")
            time.sleep(_LOOK_S)

    def wait_for(self, event: str, **fields: object) -> dict[str, Any]:
        """The last line of the log with this event and these fields, once there is one.

        Raises:
            Missed: it did not come.
        """
        self.wait(lambda: bool(self.lines(event, **fields)), f"{event!r} with {fields}")
        return self.lines(event, **fields)[-1]

    def settle(self) -> set[int]:
        """Publishes another good version and waits until it serves: all that was before is over. Both versions."""
        before, self.serving = self.serving, self.new_version()
        self.shelf.publish(self.serving)
        self.wait_for("version serves", version=self.serving)
        for path in self.shelf.model.iterdir():
            if path.name.isdigit() and path.name != str(self.serving):
                shutil.rmtree(path, ignore_errors=True)
        return {before, self.serving}
