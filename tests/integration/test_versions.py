"""Versions come, go and fail while the server answers."""

import hashlib
import html
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import numpy as np
import pytest

from demo.server import Server, scoring
from protos.audience.v1 import scoring_pb2
from tests.bundles import MODEL, SPECS, Made, make
from tests.integration.answers import TIMEOUT_S, assert_same, by_vector, status_of
from tests.integration.conftest import Start
from tests.integration.pages import read_page
from tests.integration.waiting import wait_until
from training.features import FeatureSpec

OTHER_SPECS = (
    FeatureSpec(name="returns", description="share of goods sent back", unit="share", maximum=1.0),
    *reversed(SPECS[:-1]),
    FeatureSpec(name="device", description="device used most", vocabulary=("desktop", "watch", "phone")),
)


@dataclass
class Load:
    """What a client that never pauses saw."""

    versions: list[int] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@contextmanager
def load(server: Server, request: scoring_pb2.ScoreRequest) -> Iterator[Load]:
    """Calls the server from two threads, one call after the other, until the end of the block."""
    seen, stop = Load(), threading.Event()

    def call() -> None:
        with scoring(server.target) as client:
            while not stop.is_set():
                try:
                    (result,) = client.Score(request, timeout=TIMEOUT_S).results
                    seen.versions.append(result.version)
                except grpc.RpcError as error:
                    seen.errors.append(str(error))

    threads = [threading.Thread(target=call) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def serve(repository: Path, start: Start, made: Made) -> Server:
    """A server on which this version already serves."""
    made.publish(repository)
    server = start()
    server.log.wait_for("version serves", version=made.manifest.version)
    return server


def version_of(server: Server) -> int:
    """The version that answers now."""
    with scoring(server.target) as client:
        return client.Score(scoring_pb2.ScoreRequest(), timeout=TIMEOUT_S).results[0].version


def test_swap_under_load(repository: Path, start: Start, first: Made, second: Made) -> None:
    """A version that is published while requests come in takes over without a failed one; none goes back."""
    server = serve(repository, start, first)
    row = first.population[0]
    with load(server, scoring_pb2.ScoreRequest(features=by_vector(first, row))) as seen:
        second.publish(repository)
        server.log.wait_for("version serves", version=2, replaces=1)
    assert not seen.errors
    assert version_of(server) == 2
    assert all(version in {1, 2} for version in seen.versions)


def test_swap_to_other_features(repository: Path, start: Start, first: Made) -> None:
    """After a swap to other features the old vector is read by names, and still may say what is missing."""
    server = serve(repository, start, first)
    other = make(2, specs=OTHER_SPECS)
    row = first.population[7].copy()
    row[4] = 2  # desktop
    with load(server, scoring_pb2.ScoreRequest(features=by_vector(first, row))) as seen:
        other.publish(repository)
        server.log.wait_for("version serves", version=2)
    assert not seen.errors
    with scoring(server.target) as client:
        request = scoring_pb2.ScoreRequest(features=by_vector(first, row))
        (result,) = client.Score(request, timeout=TIMEOUT_S).results
    assert (result.version, result.feature_quality.remapped, result.feature_quality.missing) == (2, True, 1)
    default = other.manifest.schema.features[0].default
    desktop = 0
    assert_same(other, np.array([default, row[3], row[2], row[1], row[0], desktop], dtype=np.float32), result)


def test_the_new_vector_before_the_swap(repository: Path, start: Start, first: Made, tmp_path: Path) -> None:
    """A caller who is ahead, with the vector of a version that is there and refused, is served by names as well."""
    server = serve(repository, start, first)
    other = make(2, specs=OTHER_SPECS)
    shutil.copytree(other.publish(tmp_path / "elsewhere"), tmp_path / "2")
    (tmp_path / "2" / "model.onnx").write_bytes(b"cut")
    (tmp_path / "2").rename(repository / MODEL / "2")
    server.log.wait_for("version refused", version=2)
    with scoring(server.target) as client:
        request = scoring_pb2.ScoreRequest(features=by_vector(other, other.population[0]))
        (result,) = client.Score(request, timeout=TIMEOUT_S).results
    assert (result.version, result.feature_quality.remapped) == (1, True)


def _truncated(files: dict[str, bytes]) -> None:
    files["model.onnx"] = files["model.onnx"][:1000]


def _altered(files: dict[str, bytes]) -> None:
    files["model.onnx"] = files["model.onnx"].replace(b"TopK", b"topk", 1)


def _of_another_version(files: dict[str, bytes]) -> None:
    files.update(make(3).files())


def _newer_format(files: dict[str, bytes]) -> None:
    files["manifest.json"] = files["manifest.json"].replace(b'"format_version": 1', b'"format_version": 2')
    _sum_again(files)


def _not_onnx(files: dict[str, bytes]) -> None:
    files["model.onnx"] = b"not a graph"
    _sum_again(files)


def _other_scores(files: dict[str, bytes]) -> None:
    files["model.onnx"] = make(2, seed=99).graph
    _sum_again(files)


def _sum_again(files: dict[str, bytes]) -> None:
    """Hashes that agree with the files, as somebody who can write them could make."""
    names = sorted(files.keys() - {"SHA256SUMS"})
    files["SHA256SUMS"] = "".join(f"{hashlib.sha256(files[n]).hexdigest()}  {n}\n" for n in names).encode()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_truncated, "model.onnx was altered or cut"),
        (_altered, "model.onnx was altered or cut"),
        (_of_another_version, "is of shop/3; its folder is shop/2"),
        (_newer_format, "has format version 2; this server reads 1"),
        (_not_onnx, "the graph is no ONNX model"),
        (_other_scores, "does not give the reference rows their scores"),
    ],
)
def test_a_broken_version_is_refused(  # noqa: PLR0913, PLR0917  # fixtures and the case
    repository: Path,
    start: Start,
    first: Made,
    second: Made,
    damage: Callable[[dict[str, bytes]], None],
    words: str,
) -> None:
    """A broken version is named in log, metric and page with the reason; the old one keeps serving, under load."""
    server = serve(repository, start, first)
    files = second.files()
    damage(files)
    with load(server, scoring_pb2.ScoreRequest()) as seen:
        place(repository, files)
        line = server.log.wait_for("version refused", version=2)
    assert words in str(line["reason"])
    assert (line["still_serving"], set(seen.versions), seen.errors) == (1, {1}, [])
    assert f'audience_model_refused_total{{model="{MODEL}"}} 1.0' in read_page(server, "/metrics")
    wait_until(lambda: words in html.unescape(read_page(server, "/")), "the page says why")
    second_try = make(3)
    second_try.publish(repository)
    server.log.wait_for("version serves", version=3)


def place(repository: Path, files: dict[str, bytes], version: int = 2) -> None:
    """Puts files into the repository by one rename and without any check, as another publisher could."""
    folder = repository / MODEL / f".incoming-{version}"
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    folder.rename(repository / MODEL / str(version))


def test_a_folder_that_appears_half_written(repository: Path, start: Start, first: Made, second: Made) -> None:
    """A version that is copied file by file serves once it is whole; before, the old one does."""
    server = serve(repository, start, first)
    files = second.files()
    folder = repository / MODEL / "2"
    with load(server, scoring_pb2.ScoreRequest()) as seen:
        folder.mkdir()
        (folder / "SHA256SUMS").write_bytes(files.pop("SHA256SUMS"))
        server.log.wait_for("version refused", version=2)
        for name, data in files.items():
            (folder / name).write_bytes(data)
        server.log.wait_for("version serves", version=2)
    assert not seen.errors


def test_a_folder_without_hashes_is_waited_for(repository: Path, start: Start, first: Made, second: Made) -> None:
    """As long as the list of hashes is not there, a version is neither loaded nor refused."""
    server = serve(repository, start, first)
    files = second.files()
    sums = files.pop("SHA256SUMS")
    place(repository, files)
    make(3, model="other").publish(repository)  # the loader has looked at both once this serves
    server.log.wait_for("version serves", model="other")
    assert f'audience_model_refused_total{{model="{MODEL}"}} 0.0' in read_page(server, "/metrics")
    (repository / MODEL / "2" / "SHA256SUMS").write_bytes(sums)
    server.log.wait_for("version serves", version=2)


def test_two_versions_at_once(repository: Path, start: Start, first: Made, second: Made) -> None:
    """Of two versions that appear together the newer one serves."""
    server = serve(repository, start, first)
    third = make(3)
    staged = [made.publish(repository.parent / "staged") for made in (second, third)]
    for folder in staged:
        folder.rename(repository / MODEL / folder.name)
    server.log.wait_for("version serves", version=3)
    assert version_of(server) == 3


def test_the_newest_version_is_removed(repository: Path, start: Start, first: Made, second: Made) -> None:
    """Taking the newest version away goes back to the one before; with none left, what serves keeps serving."""
    first.publish(repository)
    server = serve(repository, start, second)
    with load(server, scoring_pb2.ScoreRequest()) as seen:
        shutil.rmtree(repository / MODEL / "2")
        server.log.wait_for("version serves", version=1, replaces=2)
        shutil.rmtree(repository / MODEL)
        make(1, model="other").publish(repository)  # the loader has seen the removal once this serves
        server.log.wait_for("version serves", model="other")
        selector = scoring_pb2.Selector(model=MODEL)
        with scoring(server.target) as client:
            request = scoring_pb2.ScoreRequest(selectors=[selector])
            assert client.Score(request, timeout=TIMEOUT_S).results[0].version == 1
    assert all("names no model, and there are several" in error for error in seen.errors)


def test_repository_that_becomes_unreadable(repository: Path, start: Start, first: Made, second: Made) -> None:
    """When the repository goes away, the server says so and keeps serving; when it is back, it follows it again."""
    server = serve(repository, start, first)
    away = repository.rename(repository.parent / "away")
    server.log.wait_for("repository unreadable; what is loaded keeps serving")
    assert version_of(server) == 1
    assert "cannot be read" in read_page(server, "/")
    away.rename(repository)
    second.publish(repository)
    server.log.wait_for("version serves", version=2)


def test_an_empty_repository_waits_for_its_first_version(repository: Path, start: Start, first: Made) -> None:
    """With nothing to serve a server is not ready, says what is missing, and is ready once a version is there."""
    server = start()
    with scoring(server.target) as client:
        with pytest.raises(grpc.RpcError) as caught:
            client.Score(scoring_pb2.ScoreRequest(), timeout=TIMEOUT_S)
        code, details = status_of(caught.value)
        assert (code, "one has to be published" in details) == (grpc.StatusCode.UNAVAILABLE, True)
        first.publish(repository)
        server.log.wait_for("version serves", version=1)
        assert client.Score(scoring_pb2.ScoreRequest(), timeout=TIMEOUT_S).results[0].version == 1
