import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.dockerfile import Instruction, Stage, our_stages, read_stages
from tests.house.project import ROOT

HADOLINT = Path(sys.executable).with_name("hadolint")
TEXT = (ROOT / "Dockerfile").read_text()


@pytest.fixture(scope="module")
def final() -> Stage:
    """The stage that runs."""
    return our_stages()[1]


def test_reader_splits_stages_and_words() -> None:
    """Comments go, continued lines are one, and the exec form is told from the shell's."""
    text = '# c\nARG A=1\nFROM x AS y\nENV B=1 \\\n    # c\n    C="2 3"\nRUN a b\nFROM y\nCMD ["a b", "c"]'

    head, builder, last = read_stages(text)

    assert head.instructions == [Instruction("ARG", "A=1")]
    assert (builder.base, builder.environment) == ("x AS y", {"B": "1", "C": "2 3"})
    assert [(one.words, one.is_exec) for one in builder.all("RUN")] == [(["a", "b"], False)]
    assert [(one.words, one.is_exec) for one in last.all("CMD")] == [(["a b", "c"], True)]


def test_image_is_built_in_one_stage_and_runs_in_another(final: Stage) -> None:
    """The final stage runs nothing of its own: it takes one folder from the builder."""
    builder, _ = our_stages()
    home = builder.environment["AUDIENCE_HOME"]

    assert builder.base.endswith(" AS builder")
    assert final.all("RUN", "ADD") == []
    assert [one.words for one in final.all("COPY")] == [["--from=builder", home, home]]
    assert final.environment["PATH"].startswith(f"{home}/bin:")


def test_base_has_a_version() -> None:
    """Both stages start from one base, by a tag that says which Python and which Debian, or by a digest."""
    head, *stages = read_stages(TEXT)
    base = head.all("ARG")[0].text.partition("=")[2]

    assert {stage.base.split()[0] for stage in stages} == {"${PYTHON_IMAGE}"}
    assert re.fullmatch(r"python(:3\.\d+-slim-[a-z]+)?(@sha256:[0-9a-f]{64})?", base)
    assert base != "python"
    assert ":latest" not in TEXT


def test_process_is_nobody_in_particular(final: Stage) -> None:
    """The user is a number and not root's, so that Kubernetes can check it."""
    (user,) = final.all("USER")

    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user.text)


def test_process_gets_signals_itself(final: Stage) -> None:
    """No shell stands between the container's runtime and the server: every command is in exec form."""
    commands = final.all("ENTRYPOINT", "CMD")

    assert [one.name for one in commands] == ["ENTRYPOINT", "CMD"]
    assert all(one.is_exec for one in commands)
    assert [one.text for one in final.all("STOPSIGNAL")] == ["SIGTERM"]


def test_health_is_asked_without_a_shell(final: Stage) -> None:
    """The image needs no curl and no grpc_health_probe: the check is Python, in exec form."""
    (check,) = final.all("HEALTHCHECK")
    command = check.text.partition(" CMD ")[2]

    assert Instruction("CMD", command).is_exec
    assert Instruction("CMD", command).words == ["python", "-m", "server.healthcheck"]


def test_ports_are_those_of_the_default_command(final: Stage) -> None:
    """What is exposed is what the server is told to listen on, on every interface."""
    (command,), (exposed,) = final.all("CMD"), final.all("EXPOSE")
    flags = dict(zip(command.words[::2], command.words[1::2], strict=True))

    assert exposed.words == [flags["--port"], flags["--control-port"], flags["--metrics-port"]]
    assert flags["--host"] == "0.0.0.0"  # noqa: S104  # inside a container it is the only address that others reach


def test_root_filesystem_can_be_read_only(final: Stage) -> None:
    """Python does not try to write bytecode, and nothing is imported from the working folder."""
    assert final.environment.items() >= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONSAFEPATH": "1"}.items()
    assert final.all("VOLUME") == []


def test_model_runtime_reports_to_nobody(final: Stage) -> None:
    """ONNX Runtime's telemetry, on by default, is off before the library is loaded."""
    assert final.environment["ORT_DISABLE_TELEMETRY"] == "1"


def test_build_context_is_what_is_copied() -> None:
    """.dockerignore lets in what the builder copies, and nothing else."""
    builder, _ = our_stages()
    copied = {source for one in builder.all("COPY") for source in one.words[:-1]}
    ignore = (ROOT / ".dockerignore").read_text().splitlines()

    assert "*" in ignore
    assert {line[1:] for line in ignore if line.startswith("!")} == copied


def test_labels_follow_open_container_names(final: Stage) -> None:
    """Registries and scanners find title, licence, version and revision under the standard names."""
    names = {word.partition("=")[0] for one in final.all("LABEL") for word in one.words}
    prefix = "org.opencontainers.image."

    assert names >= {prefix + name for name in ("title", "description", "licenses", "version", "revision")}


@pytest.mark.skipif(not HADOLINT.exists(), reason="hadolint is not installed")
def test_hadolint_finds_nothing() -> None:
    """The linter that people run on Dockerfiles agrees."""
    result = subprocess.run([HADOLINT, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)

    assert (result.stdout, result.returncode) == ("", 0)
