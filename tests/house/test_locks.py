import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house.project import LOCKS, REQUIREMENTS, dependencies, locked, pins, pyproject

EXTRAS = ("training", "loadtest", "dev")
PIN = re.compile(r"[A-Za-z0-9._-]+==[^\s;]+( ;[^\\]+?)?(\s+--hash=sha256:[0-9a-f]{64})+")


def foreign(lock: str) -> list[str]:
    """Lines of a lock's text that are not a pinned version with its hashes and nothing else."""
    return [pin for pin in pins(lock) if not PIN.fullmatch(pin) or "://" in pin or "file:" in pin]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_lock_has_versions_and_hashes_alone(lock: Path) -> None:
    """Nothing says where a package comes from, and whatever comes is what was locked."""
    assert foreign(lock.read_text()) == []
    assert "://" not in lock.read_text()
    assert locked(lock)


@pytest.mark.parametrize(
    "line",
    [
        "numpy==2.4.6",
        "numpy>=2 --hash=sha256:" + "0" * 64,
        "numpy @ file:///wheels/numpy.whl --hash=sha256:" + "0" * 64,
        "--find-links wheels",
        "--extra-index-url=somewhere",
        "-e .",
    ],
)
def test_line_that_is_no_locked_version_is_found(line: str) -> None:
    """A range, a pin without hash, an address and an option are each told apart from a locked version."""
    good = "numpy==2.4.6 \\\n    --hash=sha256:" + "0" * 64

    assert foreign(good) == []
    assert foreign(f"{good}\n{line}") == [line]


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("dev.txt", dependencies(*EXTRAS)),
        ("server.txt", dependencies()),
        ("build.txt", [Requirement(text) for text in pyproject()["build-system"]["requires"]]),
        ("protos.txt", [Requirement(pin) for pin in pins((REQUIREMENTS / "protos.in").read_text())]),
        ("bench.txt", [Requirement(pin) for pin in pins((REQUIREMENTS / "bench.in").read_text())]),
        ("cdnow.txt", [Requirement(pin) for pin in pins((REQUIREMENTS / "cdnow.in").read_text())]),
        ("oip.txt", [Requirement(pin) for pin in pins((REQUIREMENTS / "oip.in").read_text())]),
    ],
)
def test_lock_admits_what_is_asked_for(lock: str, wanted: list[Requirement]) -> None:
    """Every requirement is locked, at a version that it allows."""
    versions = locked(REQUIREMENTS / lock)

    assert wanted
    assert [str(one) for one in wanted if not _is_met(one, versions.get(canonicalize_name(one.name)))] == []


def test_build_requirements_are_those_of_the_build_system() -> None:
    """The environment that builds the image's wheel is asked for once, in pyproject.toml."""
    assert pins((REQUIREMENTS / "build.in").read_text()) == pyproject()["build-system"]["requires"]


@pytest.mark.parametrize("lock", ["server.txt", "build.txt"])
def test_image_carries_the_versions_that_were_tested(lock: str) -> None:
    """The image's locks are parts of the lock that the tests run with."""
    assert locked(REQUIREMENTS / lock).items() <= locked(REQUIREMENTS / "dev.txt").items()


def test_rivals_run_the_same_runtime() -> None:
    """What the benchmark compares with computes by the version of ONNX Runtime that the server computes by."""
    ours, theirs = locked(REQUIREMENTS / "dev.txt"), locked(REQUIREMENTS / "bench.txt")

    assert {name: theirs[name] for name in ("numpy", "onnxruntime")}.items() <= ours.items()


def _is_met(wanted: Requirement, version: str | None) -> bool:
    return version is not None and wanted.specifier.contains(version, prereleases=True)
