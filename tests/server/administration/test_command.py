"""The command line, up to where it calls a server."""

import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest

from protos.audience.v1 import models_pb2, models_pb2_grpc
from protos.audience.v1.models_pb2 import ChangeReply, ListModelsReply, ModelState, VersionState
from protos.audience.v1.policy_pb2 import Policy
from server.administration.command import main

STATE = ModelState(
    model="shop",
    versions=[VersionState(version=2, new_features=["returns"]), VersionState(version=1)],
    targets={"": 1},
    policy=Policy(labels={"canary": 2}),
)


class Answers(models_pb2_grpc.ModelsServicer):
    """Answers two methods as the test says, and keeps what was promoted."""

    LoadVersion = UnloadVersion = SetLabel = RemoveLabel = SetSplit = SetShadow = SetHoldout = RollBack = None  # type: ignore[assignment]

    def __init__(self) -> None:
        self.state = STATE
        self.reply = ChangeReply(model=STATE, is_followed=True)
        self.unreadable = ""
        self.promoted: list[str] = []

    def ListModels(self, request: Any, context: Any) -> ListModelsReply:  # noqa: ARG002, N802  # grpcio's
        """The state."""
        return ListModelsReply(models=[self.state] if self.state.model else [], unreadable=self.unreadable)

    def Promote(self, request: models_pb2.PromoteRequest, context: Any) -> ChangeReply:  # noqa: ARG002, N802  # grpcio's
        """The reply."""
        self.promoted.append(request.label)
        return self.reply


@pytest.fixture
def answers() -> Answers:
    """What the server answers."""
    return Answers()


@pytest.fixture
def run(answers: Answers) -> Iterator[Callable[..., int]]:
    """Runs the command against it."""
    server = grpc.server(ThreadPoolExecutor(1))
    models_pb2_grpc.add_ModelsServicer_to_server(answers, server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield lambda *words: main(["--address", address, *words])
    server.stop(None).wait()


class Terminal(io.StringIO):
    """Somebody who types this."""

    def isatty(self) -> bool:
        """It is one."""
        return True


@pytest.mark.parametrize(
    ("typed", "is_promoted"), [("y\n", True), (" YES \n", True), ("n\n", False), ("\n", False), ("", False)]
)
def test_question(
    run: Callable[..., int],
    answers: Answers,
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    is_promoted: bool,  # noqa: FBT001  # the case
) -> None:
    """On a terminal a promotion that defaults features is asked for; anything but yes is no."""
    monkeypatch.setattr("sys.stdin", Terminal(typed))
    assert (run("promote", "shop", "canary"), answers.promoted) == ((0, ["canary"]) if is_promoted else (1, []))


def test_what_is_printed_for_programs(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    """Is JSON alone: what is said to people goes to standard error."""
    assert run("--json", "promote", "shop", "canary") == 1
    printed = capsys.readouterr()
    assert (printed.out, "returns" in printed.err) == ("", True)


def test_label_without_new_features(run: Callable[..., int], answers: Answers) -> None:
    """Is promoted without a question; one that is not there is the server's to refuse."""
    answers.state = ModelState(model="shop")
    assert (run("promote", "shop", "canary"), answers.promoted) == (0, ["canary"])


def test_workers_that_are_behind(run: Callable[..., int], answers: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    """A change that was written and not followed ends with 1 and says who is behind."""
    answers.reply = ChangeReply(model=ModelState(model="shop", behind={1: "no room"}))
    assert run("promote", "shop", "canary", "--yes") == 1
    assert capsys.readouterr().err == (
        "the policy is written, and not everything has followed yet: worker 1: no room\n"
    )


def test_repository_that_cannot_be_read(
    run: Callable[..., int], answers: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is known is listed, and the status is 1 with the reason."""
    answers.unreadable = "the repository cannot be read: gone"
    assert run("list") == 1
    printed = capsys.readouterr()
    assert (printed.out.splitlines()[0], printed.err) == ("shop", "the repository cannot be read: gone\n")


def test_no_model(run: Callable[..., int], answers: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty repository is said to be one."""
    answers.state = ModelState()
    assert (run("list"), capsys.readouterr().out) == (0, "There is no model in the repository.\n")


@pytest.mark.parametrize("flag", ["--token-file", "--tls-ca"])
def test_files_that_are_not_there(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str], flag: str
) -> None:
    """They are named."""
    assert run(flag, str(tmp_path / "missing"), "list") == 1
    assert f"{tmp_path / 'missing'} cannot be read: No such file or directory" in capsys.readouterr().err
