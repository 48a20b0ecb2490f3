"""Real runs against a real gRPC server. They count; none of them judges how long something took."""

import json
import os
import signal
import socket
from fractions import Fraction
from pathlib import Path

import grpc
import pytest

from loadtest import engine, results
from loadtest.__main__ import main
from loadtest.payloads import Payloads
from loadtest.results import Status
from protos.audience.v1 import scoring_pb2
from tests.loadtest.conftest import Scoring, good

CHECKED = 4  # requests that the checks of 2 connections take: gRPC's own client and ours on each
MEASURED = 40


def command(scoring: Scoring, bundle: Path, *more: str) -> list[str]:
    """A run of 40 requests over 2 connections, with a deadline that nothing here reaches."""
    load = ["--rate", "200", "--duration", "0.2", "--warmup", "0", "--connections", "2", "--deadline-ms", "60000"]
    return ["run", "--target", scoring.target, "--bundle", str(bundle), *load, *more]


def test_all_answered(scoring: Scoring, bundle: Path, tmp_path: Path) -> None:
    """Every request of the schedule is sent once, the rows in turn, and each connection is one of its own."""
    code = main(command(scoring, bundle, "--slo", "errors<=0", "--out", str(tmp_path / "run.npz")))
    run = results.load(tmp_path / "run.npz")
    assert code == 0
    assert run.status.tolist() == [Status.OK] * MEASURED
    assert (run.sent_ns >= run.due_ns).all()
    assert (run.done_ns > run.sent_ns).all()
    assert len(scoring.requests) == MEASURED + CHECKED
    assert sorted({tuple(request.features.vector) for request in scoring.requests}) == [(1, 2), (3, 4), (5, 6)]
    assert len(scoring.peers) == CHECKED  # each of its own


def test_warmup_is_sent_and_not_recorded(scoring: Scoring, bundle: Path, tmp_path: Path) -> None:
    """Requests of the warm-up reach the server and are in no figure; the record starts at 0."""
    main([*command(scoring, bundle, "--out", str(tmp_path / "run.npz")), "--warmup", "0.1"])
    run = results.load(tmp_path / "run.npz")
    assert len(scoring.requests) == MEASURED + CHECKED + 20
    assert len(run.status) == MEASURED
    assert run.due_ns[:2].tolist() == [0, 5_000_000]


def test_statuses_are_counted(
    scoring: Scoring, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Errors, empty replies and replies with an error inside are counted by status, and miss the objective."""

    def answer(number: int, request: scoring_pb2.ScoreRequest, context: grpc.ServicerContext) -> scoring_pb2.ScoreReply:
        if number < CHECKED or number % 4 == 0:
            return good(number, request, context)
        if number % 4 == 1:
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many calls")
        error = scoring_pb2.Failure(code=5, message="no such model")
        results = [scoring_pb2.ModelScores(failure=error)] if number % 4 == 2 else []
        return scoring_pb2.ScoreReply(results=results)

    scoring.answer = answer
    code = main(command(scoring, bundle, "--slo", "errors<0.1%", "--json", str(tmp_path / "report.json")))
    document = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert code == 1
    assert document["status_counts"] == {"OK": 10, "RESOURCE_EXHAUSTED": 10, "BAD_REPLY": 20}
    assert "MISSED  errors<0.1%  measured 75.0000%" in capsys.readouterr().out


def test_deadline_passes(scoring: Scoring, bundle: Path, tmp_path: Path) -> None:
    """A request that the server keeps past the deadline is DEADLINE_EXCEEDED, and the run ends all the same."""

    def answer(number: int, request: scoring_pb2.ScoreRequest, context: grpc.ServicerContext) -> scoring_pb2.ScoreReply:
        while number >= CHECKED and context.is_active():
            pass
        return good(number, request, context)

    scoring.answer = answer
    out = str(tmp_path / "run.npz")
    main([*command(scoring, bundle, "--out", out), "--deadline-ms", "50", "--rate", "10"])
    assert results.load(tmp_path / "run.npz").status.tolist() == [Status.DEADLINE_EXCEEDED] * 2


def test_report_gives_the_same_verdict_again(
    scoring: Scoring, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A recorded run is reported word for word, with its own objectives; others can be asked of it."""
    out = str(tmp_path / "run.npz")
    first = main(command(scoring, bundle, "--slo", "rate>1000000/s", "--out", out))
    printed = capsys.readouterr().out
    assert main(["report", out]) == first == 1
    assert capsys.readouterr().out == printed
    assert main(["report", out, "--slo", "errors<1%"]) == 0


def test_requests_from_a_file(scoring: Scoring, bundle: Path, tmp_path: Path) -> None:
    """Lines of a file are sent in turn instead of a bundle's rows."""
    path = tmp_path / "requests.jsonl"
    path.write_text('{"requestId": "a"}\n{"requestId": "b"}\n', encoding="utf-8")
    argv = command(scoring, bundle)
    argv[argv.index("--bundle") : argv.index("--bundle") + 2] = ["--requests", str(path)]
    assert main(argv) == 0
    assert {request.request_id for request in scoring.requests} == {"a", "b"}


def test_interruption_ends_the_run_and_reports(
    scoring: Scoring, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C ends a long run: what was due until then is reported, nothing of it is an error."""

    def answer(number: int, request: scoring_pb2.ScoreRequest, context: grpc.ServicerContext) -> scoring_pb2.ScoreReply:
        if number == CHECKED + 10:
            os.kill(os.getpid(), signal.SIGINT)
        return good(number, request, context)

    scoring.answer = answer
    out = str(tmp_path / "run.npz")
    before = signal.getsignal(signal.SIGINT)
    code = main([*command(scoring, bundle, "--slo", "errors<=0", "--out", out), "--duration", "3600"])
    run = results.load(tmp_path / "run.npz")
    assert code == 0
    assert run.facts.is_interrupted
    assert 10 < len(run.status) == len(scoring.requests) - CHECKED
    assert "Interrupted" in capsys.readouterr().out
    assert signal.getsignal(signal.SIGINT) is before


def test_a_generator_that_is_late_says_what_it_did_not_send(scoring: Scoring) -> None:
    """Requests that are beyond the generator's speed are NOT_SENT: the run ends, and they are not forgotten."""
    load = engine.Load(
        target=scoring.target,
        payloads=Payloads("one", (b"",)),
        rate_hz=Fraction(10_000_000),
        warmup_s=Fraction(0),
        duration_s=Fraction(1, 100),
        connections=1,
        deadline_s=0.001,
    )
    recording = engine.run(load, on_progress=lambda _: None, is_stopped=lambda: False)
    is_sent = recording.status != Status.NOT_SENT
    assert len(recording.status) == 100_000
    assert 0 < is_sent.sum() < 100_000
    assert (recording.sent_ns[~is_sent] == results.NEVER_NS).all()
    assert (recording.done_ns[~is_sent] == results.NEVER_NS).all()


@pytest.mark.parametrize("answer", ["abort", "empty"])
def test_first_answer_must_be_right(
    scoring: Scoring, bundle: Path, capsys: pytest.CaptureFixture[str], answer: str
) -> None:
    """A connection whose first request fails ends the command with 2 and the server's own words, on one line."""

    def refuse(number: int, request: scoring_pb2.ScoreRequest, context: grpc.ServicerContext) -> scoring_pb2.ScoreReply:
        if answer == "abort":
            context.abort(grpc.StatusCode.NOT_FOUND, "no model named\nshop")
        return scoring_pb2.ScoreReply()

    scoring.answer = refuse
    assert main(command(scoring, bundle)) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert ("connection 1 of 2" in error) is True
    assert ("NOT_FOUND: no model named shop" if answer == "abort" else "not a ScoreReply") in error


def test_unreachable_target(scoring: Scoring, bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A port on which nothing listens ends the command with 2 and one line."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        scoring.target = f"127.0.0.1:{reserved.getsockname()[1]}"
        assert main(command(scoring, bundle)) == 2
    error = capsys.readouterr().err
    assert "UNAVAILABLE" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("more", "word"),
    [
        (["--rate", "0"], "--rate"),
        (["--rate", "fast"], "'fast' is not a number"),
        (["--rate", "nan"], "'nan' is not a number"),
        (["--rate", "1e12"], "at most"),
        (["--duration", "-1"], "--duration"),
        (["--warmup", "-1"], "--warmup"),
        (["--connections", "0"], "--connections"),
        (["--deadline-ms", "0"], "--deadline-ms"),
        (["--closed", "2"], "not allowed with"),
        (["--processes", "0"], "--processes"),
        (["--processes", "3"], "--connections 3 or more"),
        (["--slo", "p99<5"], "p99<5ms"),
        (["--out", "/nowhere/run.npz"], "/nowhere/run.npz"),
        (["--json", "/"], "cannot write /"),
        (["--bundle", "/nowhere"], "/nowhere/manifest.json"),
        (["--requests", "x"], "not allowed with"),
        (["--verbose"], "unrecognized"),
    ],
)
def test_wrong_arguments(
    scoring: Scoring, bundle: Path, capsys: pytest.CaptureFixture[str], more: list[str], word: str
) -> None:
    """What cannot be run ends with 2 and one line that names what is wrong, before anything is sent."""
    assert main([*command(scoring, bundle), *more]) == 2
    error = capsys.readouterr().err
    assert word in error
    assert error.count("\n") == 1
    assert scoring.requests == []


def closed(scoring: Scoring, bundle: Path, *more: str) -> list[str]:
    """A closed loop with 3 in flight on each of 2 connections."""
    argv = command(scoring, bundle, *more)
    argv[argv.index("--rate") : argv.index("--rate") + 2] = ["--closed", "3"]
    return argv


def test_closed_loop_says_what_the_server_takes(
    scoring: Scoring, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A closed loop reports a rate and latencies from sending, and no word of schedules; it can be held to a rate."""
    out = str(tmp_path / "run.npz")
    assert main(closed(scoring, bundle, "--slo", "rate>1/s", "--slo", "errors<=0", "--out", out)) == 0
    printed = capsys.readouterr().out
    run = results.load(tmp_path / "run.npz")
    assert run.facts.concurrency == 3
    assert len(run.status) == len(scoring.requests) - CHECKED
    assert "3 in flight on each of 2 connections" in printed
    assert "asked" not in printed
    assert "due" not in printed
    assert main(["report", out]) == 0
    assert capsys.readouterr().out == printed


@pytest.mark.parametrize("objective", ["p99<5ms", "max<1s"])
def test_closed_loop_is_held_to_no_latency(
    scoring: Scoring, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], objective: str
) -> None:
    """Its latencies hide stalls, so an objective about them is refused with the reason, before and after a run."""
    assert main(closed(scoring, bundle, "--slo", objective)) == 2
    assert "use --rate" in capsys.readouterr().err
    assert scoring.requests == []
    main(closed(scoring, bundle, "--out", str(tmp_path / "run.npz")))
    assert main(["report", str(tmp_path / "run.npz"), "--slo", objective]) == 2
    assert "use --rate" in capsys.readouterr().err


def test_neither_rate_nor_closed(scoring: Scoring, bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One of the two has to be said."""
    argv = command(scoring, bundle)
    del argv[argv.index("--rate") : argv.index("--rate") + 2]
    assert main(argv) == 2
    assert "--rate --closed" in capsys.readouterr().err


def test_report_of_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A recorded run that is not there ends with 2 and one line."""
    assert main(["report", str(tmp_path / "none.npz")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("argv", [["--help"], ["run", "--help"], ["report", "--help"]])
def test_help_has_an_example(capsys: pytest.CaptureFixture[str], argv: list[str]) -> None:
    """Every help shows a command that one can copy."""
    with pytest.raises(SystemExit) as left:
        main(argv)
    assert left.value.code == 0
    assert "python -m loadtest report run.npz --slo" in capsys.readouterr().out
