"""Models are administered while they answer, from the command line and over gRPC."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest

from demo.server import Server
from protos.audience.v1 import bundle_pb2, models_pb2, models_pb2_grpc, scoring_pb2
from protos.audience.v1.models_pb2 import VersionState
from server.administration.token import credentials
from server.traffic import bucket
from tests.bundles import MODEL, Made, make
from tests.integration.answers import TIMEOUT_S, status_of
from tests.integration.conftest import Start
from tests.integration.processes import connected
from tests.integration.test_versions import OTHER_SPECS, place, serve
from tests.integration.waiting import wait_until
from training.judging.approval import record

TOKEN = "of-this-test-alone-0123"  # noqa: S105  # of no server that lives on
Administer = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    """A file with the token of the servers."""
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    return path


@pytest.fixture
def administer(token_file: Path) -> Administer:
    """Runs `python -m server models` against a server, without a terminal."""

    def run(server: Server, *words: str, token: Path | None = token_file) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "server", "models", "--address", server.control]
        command += [] if token is None else ["--token-file", str(token)]
        return subprocess.run([*command, *words], input="", capture_output=True, text=True, check=False, timeout=60)

    return run


@pytest.fixture
def start_one(start: Start, token_file: Path) -> Start:
    """Starts servers that have the token."""
    return lambda *flags: start("--admin-token-file", str(token_file), *flags)


@contextmanager
def models_of(server: Server) -> Iterator[Callable[..., Any]]:
    """Asks a method of audience.v1.Models as a program does."""
    with grpc.insecure_channel(server.control) as channel:
        stub = models_pb2_grpc.ModelsStub(channel)

        def ask(method: str, request: Any, token: str = TOKEN) -> Any:
            return getattr(stub, method)(request, metadata=credentials(token), timeout=TIMEOUT_S)

        yield ask


def answers(server: Server, visitors: Iterable[str]) -> dict[str, tuple[int, str]]:
    """Version and label of the answer for each visitor, asked on several connections in turn."""
    seen = {}
    for visitor in visitors:
        with connected(server) as client:
            request = scoring_pb2.ScoreRequest(visitor=scoring_pb2.Visitor(id=visitor))
            (result,) = client.Score(request, timeout=TIMEOUT_S).results
            seen[visitor] = (result.version, result.label)
    return seen


def table(text: str) -> dict[str, list[str]]:
    """The words of each version's line in what `list` prints."""
    lines = (line.split() for line in text.splitlines())
    return {words[0]: words[1:] for words in lines if words and words[0].isdigit()}


def test_canary(repository: Path, start_one: Start, first: Made, administer: Administer) -> None:
    """A version is published, gets a share of the visitors, is compared, promoted, and taken back, while it answers."""

    def done(*words: str) -> str:
        ended = administer(server, *words)
        assert (ended.returncode, ended.stderr) == (0, "")
        return ended.stdout

    first.publish(repository)
    server = start_one("--workers", "2")
    server.log.wait_for("version serves", version=1)
    done("label", MODEL, "stable", "1")
    make(2, specs=OTHER_SPECS).publish(repository)
    assert table(done("label", MODEL, "canary", "2"))["2"][:2] == ["loaded", "canary"]
    assert "split: canary 5 %" in done("split", MODEL, "canary=5%")

    visitors = [f"v{number}" for number in range(200)]
    seen = answers(server, visitors)
    of_the_share = {visitor for visitor in visitors if bucket(f"{MODEL}/split", visitor.encode()) < 500}
    assert of_the_share
    assert {visitor for visitor, answer in seen.items() if answer == (2, "canary")} == of_the_share
    assert {answer for visitor, answer in seen.items() if visitor not in of_the_share} == {(1, "stable")}
    state = json.loads(done("--json", "list", MODEL))["models"][0]
    rows = {int(one["version"]): int(one["rows"]) for one in state["versions"]}
    assert rows == Counter(version for version, _ in seen.values())
    assert table(done("list"))["2"][-1] == str(rows[2])

    asked = administer(server, "promote", MODEL, "canary")
    assert asked.returncode == 1
    assert "will have these defaulted: returns" in " ".join(asked.stderr.split())
    assert "nothing was changed; give --yes to promote all the same" in asked.stderr
    assert set(answers(server, visitors[:5]).values()) <= {(1, "stable"), (2, "canary")}
    promoted = done("promote", MODEL, "canary", "--yes")
    assert table(promoted)["2"][:4] == ["loaded", "canary,", "stable,", "(serves)"]
    assert "split" not in promoted
    assert set(answers(server, visitors[:20]).values()) == {(2, "stable")}

    back = done("rollback", MODEL)
    assert table(back)["1"][:3] == ["loaded", "stable,", "(serves)"]
    assert set(answers(server, visitors[:20]).values()) == {(1, "stable")}


def test_refused_version(repository: Path, start_one: Start, first: Made, second: Made, administer: Administer) -> None:
    """What is wrong with a version stands in the list, and is the reason why it gets no label."""
    first.publish(repository)
    server = start_one()
    server.log.wait_for("version serves", version=1)
    files = second.files()
    files["model.onnx"] = files["model.onnx"][:1000]
    place(repository, files)
    server.log.wait_for("version refused", version=2)
    listed = administer(server, "list")
    assert table(listed.stdout)["2"][0] == "refused"
    assert "model.onnx was altered or cut" in listed.stdout
    ended = administer(server, "label", MODEL, "canary", "2")
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"FAILED_PRECONDITION: version 2 of model '{MODEL}' is refused: model.onnx was")


def test_approval(repository: Path, start_one: Start, first: Made, second: Made, administer: Administer) -> None:
    """A version that has to be approved is published, tried as a canary, refused as stable, approved, and promoted."""
    first.publish(repository)
    asking = bundle_pb2.Manifest()
    asking.CopyFrom(second.manifest)
    asking.approvals.CopyFrom(bundle_pb2.Approvals(required=True, labels=["stable"], people=["Ada Lovelace"]))
    server = start_one("--workers", "2")
    server.log.wait_for("version serves", version=1)
    replace(second, manifest=asking).publish(repository)
    server.log.wait_for("version waits for approval", version=2)
    assert set(answers(server, ["a", "b", "c"]).values()) == {(1, "")}
    words = "version 2 takes the label 'stable' only when Ada Lovelace approved it; nobody has"
    labelled = administer(server, "label", MODEL, "canary", "2")
    assert (labelled.returncode, labelled.stderr, words in labelled.stdout) == (0, "", True)
    for command in (["promote", MODEL, "canary"], ["label", MODEL, "stable", "2"]):
        ended = administer(server, *command)
        assert (ended.returncode, ended.stdout) == (1, "")
        assert ended.stderr.startswith(f"FAILED_PRECONDITION: version 2 of model '{MODEL}' takes the label 'stable'")
        assert (
            "python -m training approve --repository DIR --model shop --version 2 --by 'Ada Lovelace'" in ended.stderr
        )
    with models_of(server) as ask, pytest.raises(grpc.RpcError) as caught:
        ask("SetLabel", models_pb2.SetLabelRequest(model=MODEL, label="stable", version=2))
    assert status_of(caught.value)[0] == grpc.StatusCode.FAILED_PRECONDITION
    by_hand = {"labels": {"stable": 2, "canary": 2}}
    (repository / MODEL / "policy.json").write_text(json.dumps(by_hand))
    with models_of(server) as ask:
        wait_until(
            lambda: ask("ListModels", models_pb2.ListModelsRequest()).models[0].policy.labels["stable"] == 2,
            "the policy was not read",
        )
    assert set(answers(server, ["a", "b", "c"]).values()) == {(1, "")}
    record(repository, MODEL, 2, by="Ada Lovelace", at_ms=1)
    server.log.wait_for("version serves", version=2, replaces=1)
    assert set(answers(server, ["a", "b", "c"]).values()) == {(2, "stable")}
    assert words not in administer(server, "list").stdout


def test_without_a_token(repository: Path, start: Start, first: Made, administer: Administer) -> None:
    """A server without a token is administered by nobody, and says which flag it lacks; it answers all the same."""
    server = serve(repository, start, first)
    ended = administer(server, "holdout", MODEL, "1%")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "PERMISSION_DENIED: administration is off: start the server with --admin-token-file FILE\n"
    assert set(answers(server, ["a"]).values()) == {(1, "")}
    assert not (repository / MODEL / "policy.json").exists()


def test_wrong_token(repository: Path, start_one: Start, first: Made, tmp_path: Path, administer: Administer) -> None:
    """Another token, or none, changes and shows nothing."""
    first.publish(repository)
    server = start_one()
    other = tmp_path / "other"
    other.write_text("of-another-server-0123")
    for token in (other, None):
        ended = administer(server, "list", token=token)
        assert (ended.returncode, ended.stdout) == (1, "")
        assert ended.stderr.startswith("UNAUTHENTICATED: ")
    with models_of(server) as ask, pytest.raises(grpc.RpcError) as caught:
        ask("SetHoldout", models_pb2.SetHoldoutRequest(model=MODEL, basis_points=1), token=f"{TOKEN}x")
    assert status_of(caught.value)[0] == grpc.StatusCode.UNAUTHENTICATED


def test_token_that_is_none(repository: Path, token_file: Path) -> None:
    """A server does not start with a token that could be guessed, and says what one is."""
    token_file.write_text("short")
    command = [sys.executable, "-m", "server", "--repository", str(repository), "--workers", "1"]
    command += [part for port in ("--port", "--control-port", "--metrics-port") for part in (port, "0")]
    ended = subprocess.run(
        [*command, "--admin-token-file", str(token_file)], capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 2
    assert "must be at least 16 printable ASCII characters without spaces" in ended.stderr


def test_two_servers(repository: Path, start_one: Start, first: Made, second: Made) -> None:
    """What is changed through one server of a repository is followed by the other; either may be asked."""
    first.publish(repository)
    second.publish(repository)
    one, other = (start_one() for _ in range(2))
    for server in (one, other):
        server.log.wait_for("version serves", version=2)
    with models_of(one) as ask:
        reply = ask("SetLabel", models_pb2.SetLabelRequest(model=MODEL, label="stable", version=1))
    assert (reply.is_followed, dict(reply.model.targets)) == (True, {"": 1, "stable": 1})
    assert set(answers(one, ["a"]).values()) == {(1, "stable")}
    other.log.wait_for("version serves", version=1, replaces=2)
    assert set(answers(other, ["a"]).values()) == {(1, "stable")}
    with models_of(other) as ask:
        reply = ask("RollBack", models_pb2.RollBackRequest(model=MODEL))
    assert (reply.is_followed, dict(reply.model.policy.previous)) == (True, {"stable": 1})
    one.log.wait_for("version serves", version=2, replaces=1)
    assert set(answers(one, ["a"]).values()) == {(2, "stable")}


def test_versions_beside_each_other(repository: Path, start_one: Start, first: Made, second: Made) -> None:
    """An older version is loaded at once after it was published, asked for by its number, and unloaded again."""
    second.publish(repository)
    server = start_one("--workers", "2")
    server.log.wait_for("version serves", version=2)
    first.publish(repository)
    request = models_pb2.VersionRequest(model=MODEL, version=1)
    with models_of(server) as ask:
        loaded = ask("LoadVersion", request)
        assert loaded.is_followed
        assert {one.version: one.state for one in loaded.model.versions} == dict.fromkeys(
            (1, 2), VersionState.STATE_LOADED
        )
        assert version_by_number(server, 1) == "1"
        unloaded = ask("UnloadVersion", request)
        assert unloaded.is_followed
        wait_until(lambda: version_by_number(server, 1) == "NOT_FOUND", "version 1 still answers")
        holdout = ask("SetHoldout", models_pb2.SetHoldoutRequest(model=MODEL, basis_points=10_000))
        assert holdout.is_followed
    with connected(server) as client:
        asked = scoring_pb2.ScoreRequest(visitor=scoring_pb2.Visitor(id="a"))
        (result,) = client.Score(asked, timeout=TIMEOUT_S).results
    assert result.degraded == scoring_pb2.DEGRADATION_HOLDOUT


def version_by_number(server: Server, version: int) -> str:
    """The version that answers who asks for this one, or the status of the call."""
    request = scoring_pb2.ScoreRequest(selectors=[scoring_pb2.Selector(version=version)])
    with connected(server) as client:
        try:
            return str(client.Score(request, timeout=TIMEOUT_S).results[0].version)
        except grpc.RpcError as error:
            return status_of(error)[0].name
