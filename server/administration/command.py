"""python -m server models: administration for people."""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any

import grpc
from google.protobuf import json_format

from protos.audience.v1 import models_pb2, models_pb2_grpc
from server.administration.arguments import parse
from server.administration.requests import CHANGES
from server.administration.table import describe
from server.administration.token import TokenRefused, credentials, read_token
from server.traffic import NO_LABEL, STABLE

Stub = Any


def main(arguments: Sequence[str]) -> int:
    """Does what the arguments say; the exit status: 0, 1 when it could not be done, 2 for wrong arguments."""
    wanted = parse(arguments)
    try:
        token = read_token(wanted.token_file)
        channel = _channel(wanted)
    except TokenRefused as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"{error.filename} cannot be read: {error.strerror}")
    with channel:
        stub = models_pb2_grpc.ModelsStub(channel)
        try:
            return _run(wanted, stub, credentials(token) if token else ())
        except grpc.RpcError as error:
            return _fail(f"{error.code().name}: {error.details()}")


def _channel(wanted: argparse.Namespace) -> grpc.Channel:
    if wanted.tls_ca is None:
        return grpc.insecure_channel(wanted.address)
    files = (wanted.tls_ca, wanted.tls_key, wanted.tls_certificate)
    read = (None if file is None else file.read_bytes() for file in files)
    return grpc.secure_channel(wanted.address, grpc.ssl_channel_credentials(*read))


def _run(wanted: argparse.Namespace, stub: Stub, metadata: tuple[tuple[str, str], ...]) -> int:
    def ask(method: Callable[..., Any], request: Any) -> Any:  # noqa: ANN401  # messages
        return method(request, metadata=metadata, timeout=wanted.timeout)

    if wanted.command == "list":
        return _list(wanted, ask(stub.ListModels, models_pb2.ListModelsRequest(model=wanted.model or "")))
    if wanted.command == "promote" and not wanted.yes:
        reply = ask(stub.ListModels, models_pb2.ListModelsRequest(model=wanted.model))
        if not all(_agrees(state, wanted.label) for state in reply.models if state.model == wanted.model):
            return _fail("nothing was changed; give --yes to promote all the same")
    method, make = CHANGES[wanted.command]
    return _changed(wanted, ask(getattr(stub, method), make(wanted)))


def _agrees(state: models_pb2.ModelState, label: str) -> bool:
    """Whether to go on: always, unless features would be defaulted and nobody says that this is meant."""
    version = state.policy.labels.get(label, 0)
    new = next((list(one.new_features) for one in state.versions if one.version == version), [])
    if not new:
        return True
    now = state.targets.get(NO_LABEL, 0)
    sys.stderr.write(
        f"Version {version} has features that version {now} has not. Callers that go on sending version {now}'s\n"
        f"vector will have these defaulted: {', '.join(new)}\n"
    )
    if not sys.stdin.isatty():
        return False
    sys.stderr.write(f"Give {STABLE!r} to version {version}? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _list(wanted: argparse.Namespace, reply: models_pb2.ListModelsReply) -> int:
    if wanted.json:
        sys.stdout.write(json_format.MessageToJson(reply, preserving_proto_field_name=True) + "\n")
        return 0
    for state in reply.models:
        sys.stdout.write(describe(state))
    if not reply.models:
        sys.stdout.write("There is no model in the repository.\n")
    return _fail(reply.unreadable) if reply.unreadable else 0


def _changed(wanted: argparse.Namespace, reply: models_pb2.ChangeReply) -> int:
    if wanted.json:
        sys.stdout.write(json_format.MessageToJson(reply, preserving_proto_field_name=True) + "\n")
    else:
        sys.stdout.write(describe(reply.model))
    if reply.is_followed:
        return 0
    behind = "; ".join(f"worker {worker}: {reason}" for worker, reason in sorted(reply.model.behind.items()))
    return _fail(f"the policy is written, and not everything has followed yet{': ' + behind if behind else ''}")


def _fail(text: str) -> int:
    sys.stderr.write(f"{text}\n")
    return 1
