"""What goes wrong with models, case after case. Each leaves a good version that serves, and says what it saw."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from protos.audience.v1 import policy_pb2
from server.bundle import SUMS_FILE, read_bundle
from server.errors import BadBundle
from server.policy import LARGEST_POLICY_BYTES
from server.policy_file import replace_policy
from server.traffic import STABLE
from tests.chaos.damage import DAMAGES, Damage
from tests.chaos.scene import OTHER, SLOW, USUAL, Missed, Scene
from tests.house.project import ROOT

_LOOKS_S = 1.0  # of the server at its repository, several
_PUBLISHED_AT_MOST = 40
_LONGEST_S = 1.5  # until a version is removed
_LONGEST_RUN_S = {"whole": 1.5, "copying": 0.2}  # of a publisher, until it is killed

_NO_POLICIES = {
    "text": b"stable = 1",
    "other bytes": bytes(range(128, 256)),
    "a share of nobody": b'{"split": [{"label": "nobody", "basis_points": 100}]}',
    "too long": b" " * (LARGEST_POLICY_BYTES + 1),
    "nothing": b"",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What a case saw, for people, and the versions that may have answered meanwhile."""

    text: str
    versions: set[int]


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that goes wrong: what it is, for people, and what does it."""

    name: str
    act: Callable[[Scene], Seen]


def cases(rounds: int) -> Iterator[Case]:
    """All of them; those at random moments so many times."""
    for damage in DAMAGES:
        yield Case(damage.name, lambda scene, damage=damage: _damaged(scene, damage))  # type: ignore[misc]
    yield Case("a version is copied, and its hashes do not come", _unfinished)
    for name, content in _NO_POLICIES.items():
        yield Case(f"policy.json is none: {name}", lambda scene, content=content: _no_policy(scene, content))  # type: ignore[misc]
    yield Case("policy.json names a version that is not there", _missing_version)
    yield Case("a version that takes long to load, and is taken away", _slow)
    for number in range(1, rounds + 1):
        yield Case(f"a version is removed while it loads, {number}", _removed)
    for number in range(1, rounds + 1):
        yield Case(f"a publisher is killed, {number}", lambda scene: _killed(scene, "whole"))
        yield Case(f"a publisher that copies into place is killed, {number}", lambda scene: _killed(scene, "copying"))


def _damaged(scene: Scene, damage: Damage) -> Seen:
    version = scene.new_version(USUAL)
    other = scene.new_version(OTHER)
    files = damage.inflict(scene.files(version), scene.files(other))
    scene.place(version, scene.signed(files) if damage.is_signed else files)
    line = scene.wait_for("version refused", version=version)
    if damage.words not in line["reason"]:
        raise Missed(f"refused, but the reason has no {damage.words!r}: {line['reason']}")
    shutil.rmtree(scene.folder(version))
    return Seen(f"refused: {line['reason']}", {scene.serving})


def _unfinished(scene: Scene) -> Seen:
    version = scene.new_version(OTHER)
    files = scene.files(version)
    sums = files.pop(SUMS_FILE)
    scene.place(version, files)
    time.sleep(_LOOKS_S)
    if scene.lines("version refused", version=version):
        raise Missed("refused, and not waited for")
    before, scene.serving = scene.serving, version
    (scene.folder(version) / SUMS_FILE).write_bytes(sums)
    scene.wait_for("version serves", version=version)
    return Seen("waited for; served once they came", {before, version, *scene.settle()})


def _no_policy(scene: Scene, content: bytes) -> Seen:
    event = "policy refused; the one before stays"
    before = len(scene.lines(event))
    scene.policy.write_bytes(content)
    scene.wait(lambda: len(scene.lines(event)) > before, event)
    reason = scene.lines(event)[-1]["reason"]
    scene.policy.unlink()
    return Seen(f"refused: {reason}", scene.settle())


def _missing_version(scene: Scene) -> Seen:
    replace_policy(scene.policy, policy_pb2.Policy(labels={STABLE: 10**9}))
    time.sleep(_LOOKS_S)
    scene.policy.unlink()
    return Seen("the version before went on", scene.settle())


def _slow(scene: Scene) -> Seen:
    version = scene.new_version(SLOW)
    scene.shelf.publish(version)
    line = scene.wait_for("version serves", version=version)
    shutil.rmtree(scene.folder(version))
    scene.wait_for("version serves", version=scene.serving, replaces=version)
    return Seen(f"served after {line['load_ms']:,.0f} ms, then the one before again", {scene.serving, version})


def _removed(scene: Scene) -> Seen:
    version = scene.new_version(SLOW)
    scene.shelf.publish(version)
    after_s = scene.generator.uniform(0, _LONGEST_S)
    time.sleep(after_s)
    shutil.rmtree(scene.folder(version))
    versions = {version, *scene.settle()}
    refused = scene.lines("version refused", version=version)
    text = f"refused: {refused[-1]['reason']}" if refused else "gone before it was seen, or after it was read"
    return Seen(f"removed after {after_s * 1e3:,.0f} ms; {text}", versions)


def _killed(scene: Scene, way: str) -> Seen:
    published = [scene.new_version((USUAL, OTHER)[number % 2]) for number in range(_PUBLISHED_AT_MOST)]
    staged = scene.shelf.repository.parent / "to-publish"
    for version in published:
        scene.shelf.prepare(version).rename(_in(staged, version))
    after_s = scene.generator.uniform(0, _LONGEST_RUN_S[way])
    _publish_and_kill(scene, staged, way, after_s)
    shutil.rmtree(staged)
    there = [version for version in published if scene.folder(version).exists()]
    broken = [version for version in there if not _is_whole(scene.folder(version))]
    if way == "whole" and broken:
        raise Missed(f"versions {broken} are there, and not whole")
    text = f"killed after {after_s * 1e3:,.0f} ms: {len(there) - len(broken)} whole, {len(broken)} broken"
    versions = {*there, *scene.settle()}
    for left in scene.shelf.repository.glob(".incoming-*"):
        shutil.rmtree(left)
    return Seen(text, versions)


def _in(folder: Path, version: int) -> Path:
    folder.mkdir(exist_ok=True)
    return folder / str(version)


def _publish_and_kill(scene: Scene, staged: Path, way: str, after_s: float) -> None:
    """Starts a publisher, and sends SIGKILL so long after it has begun."""
    places = [str(scene.shelf.repository), scene.shelf.model.name, str(staged)]
    command = [sys.executable, "-m", "tests.chaos.publisher", *places, way]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) as process:
        if process.stdout is None or not process.stdout.readline():
            raise Missed("the publisher did not begin")
        time.sleep(after_s)
        process.kill()


def _is_whole(folder: Path) -> bool:
    try:
        read_bundle(folder)
    except BadBundle:
        return False
    return True
