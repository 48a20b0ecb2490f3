import json
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import pytest
from google.protobuf import json_format

from protos.audience.v1 import scoring_pb2
from training import __main__ as trainer
from training import households
from training.grocery import FEATURES
from training.pipeline import STYLE_FEATURES, VALUE_FEATURES

Main = Callable[[Sequence[str]], int]


def _ends(main: Main, arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Exit status, standard output and standard error."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return (int(caught.value.code or 0), *capsys.readouterr())


@pytest.mark.parametrize("main", [trainer.main, households.main])
def test_help(main: Main, capsys: pytest.CaptureFixture[str]) -> None:
    """--help says what the command does and what it takes."""
    status, out, _ = _ends(main, ["--help"], capsys)
    assert status == 0
    assert out.startswith("usage: python -m training")
    assert "--until" in out


def test_help_names_every_feature(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever wants to leave a feature out finds its name."""
    _, out, _ = _ends(trainer.main, ["--help"], capsys)
    assert all(spec.name in out for spec in FEATURES)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: --repository"),
        (["--repository", "r", "--model", "Bad Name"], "'Bad Name' is no model name"),
        (["--repository", "r", "--model", "../up"], "'../up' is no model name"),
        (["--repository", "r", "--until", "tomorrow"], "'tomorrow' is no day; needed is one such as 2017-12-01"),
        (["--repository", "r", "--until", "2017-02-30"], "'2017-02-30' is no day"),
        (["--repository", "r", "--without", "shoe_size"], "there is no feature 'shoe_size'"),
        (["--repository", "r", "--seed", "-1"], "'-1' is no whole number from 0 to 4294967295"),
        (["--repository", "r", "--seed", "4294967296"], "'4294967296' is no whole number"),
        (["--repository", "r", "--seed", "x"], "'x' is no whole number"),
    ],
)
def test_wrong_arguments(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong argument ends with status 2 and says what is right."""
    status, _, err = _ends(trainer.main, arguments, capsys)
    assert status == 2
    assert message in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--until", "2018-01-02"], "the records end before 2018-01-01; nothing is known until 2018-01-02"),
        (["--until", "2017-08-01"], "a horizon of 90 days leaves no date to train on"),
        (["--until", "2016-01-01"], "a horizon of 7 days leaves no date to train on"),
        (["--without", *VALUE_FEATURES[1:]], "customer_value needs at least 2 of recency_days, "),
        (["--without", *STYLE_FEATURES], "shopping_style needs at least 2 of produce_share, "),
        (["--signing-key", "absent.pem"], "the signing key absent.pem cannot be read: No such file or directory"),
        (["--signing-key", __file__], f"{__file__} holds no private key in PEM; make one with: openssl genpkey"),
        (["--names", "absent.toml"], "the names in absent.toml cannot be read: "),
    ],
)
def test_impossible_orders(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What cannot be trained is refused before any work, with status 1 and the reason in the last line."""
    status, _, err = _ends(trainer.main, ["--repository", str(tmp_path / "repository"), *arguments], capsys)
    assert status == 1
    assert err.splitlines()[-1].startswith(f"nothing was published: {message}")
    assert not list(tmp_path.rglob("*.onnx"))


def test_repository_that_is_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A repository that cannot be made is refused before any work."""
    (tmp_path / "file").touch()
    status, _, err = _ends(trainer.main, ["--repository", str(tmp_path / "file")], capsys)
    assert status == 1
    assert err.startswith("nothing was published: ")
    assert "File exists" in err


def test_households(capsys: pytest.CaptureFixture[str]) -> None:
    """Each line is a Score request with a visitor and every feature by name, in range."""
    assert households.main(["--count", "5", "--until", "2017-04-01", "--seed", "3"]) == 0
    out = capsys.readouterr().out
    requests = [json_format.Parse(line, scoring_pb2.ScoreRequest()) for line in out.splitlines()]
    assert len({request.visitor.id for request in requests}) == 5
    for request in requests:
        assert request.request_id == f"household-{request.visitor.id}"
        assert {*request.features.numbers, *request.features.categories} == {spec.name for spec in FEATURES}
        for spec in FEATURES:
            if spec.vocabulary:
                assert request.features.categories[spec.name] in spec.vocabulary
            else:
                assert 0 <= request.features.numbers[spec.name] <= (spec.maximum or float("inf"))
    assert all(json.loads(line) for line in out.splitlines())


def test_the_seed_draws_the_households() -> None:
    """The same seed draws the same households, another one others."""
    one, again, other = (list(households.requests(datetime(2017, 2, 1), 5, seed)) for seed in (3, 3, 4))  # noqa: DTZ001
    assert one == again
    assert one != other


def test_no_households(capsys: pytest.CaptureFixture[str]) -> None:
    """Before the first basket there is no household to write, and none is made up."""
    assert households.main(["--until", "2017-01-01"]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--count", "-1"], "'-1' is no whole number"),
        (["--count", "some"], "'some' is no whole number"),
        (["--until", "2018-01-02"], "the records end before 2018-01-01"),
        (["--until", "01.12.2017"], "'01.12.2017' is no day"),
    ],
)
def test_wrong_arguments_of_households(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong argument ends with status 2 and says what is right."""
    status, out, err = _ends(households.main, arguments, capsys)
    assert (status, out) == (2, "")
    assert message in err
