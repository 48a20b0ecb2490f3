"""The command line of administration."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protos.audience.v1 import models_pb2
from protos.audience.v1.policy_pb2 import Shadow, Share
from server.administration.arguments import parse
from server.administration.requests import CHANGES
from tests.server.conftest import law


@law
@given(st.integers(1, 10_000))
def test_every_share_can_be_said(points: int) -> None:
    """Each step of 0.01 % is exactly so many basis points."""
    wanted = parse(["split", "shop", f"canary={points // 100}.{points % 100:02}%"])
    assert wanted.shares == [("canary", points)]


@pytest.mark.parametrize(
    ("line", "method", "request_"),
    [
        ("load shop 2", "LoadVersion", models_pb2.VersionRequest(model="shop", version=2)),
        ("unload shop 2", "UnloadVersion", models_pb2.VersionRequest(model="shop", version=2)),
        ("label shop canary 2", "SetLabel", models_pb2.SetLabelRequest(model="shop", label="canary", version=2)),
        ("unlabel shop canary", "RemoveLabel", models_pb2.RemoveLabelRequest(model="shop", label="canary")),
        (
            "split shop canary=5% next=0.25% --salt x",
            "SetSplit",
            models_pb2.SetSplitRequest(
                model="shop",
                split=[Share(label="canary", basis_points=500), Share(label="next", basis_points=25)],
                salt="x",
            ),
        ),
        ("split shop", "SetSplit", models_pb2.SetSplitRequest(model="shop")),
        (
            "shadow shop canary=100%",
            "SetShadow",
            models_pb2.SetShadowRequest(model="shop", shadow=Shadow(label="canary", basis_points=10_000)),
        ),
        ("shadow shop", "SetShadow", models_pb2.SetShadowRequest(model="shop")),
        ("holdout shop 1%", "SetHoldout", models_pb2.SetHoldoutRequest(model="shop", basis_points=100)),
        ("holdout shop 0", "SetHoldout", models_pb2.SetHoldoutRequest(model="shop")),
        ("promote shop canary", "Promote", models_pb2.PromoteRequest(model="shop", label="canary")),
        ("rollback shop", "RollBack", models_pb2.RollBackRequest(model="shop")),
        ("rollback shop canary", "RollBack", models_pb2.RollBackRequest(model="shop", label="canary")),
    ],
)
def test_what_is_asked(line: str, method: str, request_: object) -> None:
    """Each command asks one method for what its words say."""
    wanted = parse(line.split())
    name, make = CHANGES[wanted.command]
    assert (name, make(wanted)) == (method, request_)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "required: COMMAND"),
        ("swap shop 2", "invalid choice: 'swap'"),
        ("load shop", "required: version"),
        ("load shop two", "invalid int value: 'two'"),
        ("split shop canary", "'canary' is no share; needed is a label and a share, such as canary=5%"),
        ("split shop =5%", "'=5%' is no share; needed is a label and a share, such as canary=5%"),
        ("split shop canary=0.05", "'0.05' is no share; needed is one such as 5%"),
        ("split shop canary=five%", "'five%' is no share; needed is one such as 5%"),
        ("split shop canary=5%%", "'5%%' is no share; needed is one such as 5%"),
        ("split shop canary=nan%", "'nan%' is no share; needed is one such as 5%"),
        ("split shop canary=100.01%", "'100.01%' is no share; needed is 0% to 100%, in steps of 0.01%"),
        ("split shop canary=0.001%", "'0.001%' is no share; needed is 0% to 100%, in steps of 0.01%"),
        ("holdout shop inf%", "'inf%' is no share; needed is 0% to 100%, in steps of 0.01%"),
        ("holdout shop=1%", "required: SHARE"),
        ("--tls-ca a --tls-key b list", "--tls-certificate and --tls-key belong together; give both, or none"),
        ("--tls-ca a --tls-certificate b list", "--tls-certificate and --tls-key belong together"),
        ("--tls-certificate a --tls-key b list", "--tls-certificate needs --tls-ca"),
        ("--timeout 0 list", "0 is out of range; needed is more than 0"),
        ("--timeout nan list", "nan is out of range; needed is more than 0"),
    ],
)
def test_wrong_words(capsys: pytest.CaptureFixture[str], line: str, words: str) -> None:
    """They end the process with status 2 and say what is wrong."""
    with pytest.raises(SystemExit) as caught:
        parse(line.split())
    assert caught.value.code == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("command", ["list", *CHANGES])
def test_each_command_explains_itself(capsys: pytest.CaptureFixture[str], command: str) -> None:
    """Its help is there, with the signs as they are typed."""
    with pytest.raises(SystemExit) as caught:
        parse([command, "--help"])
    assert caught.value.code == 0
    assert "%%" not in capsys.readouterr().out
