"""A model's state, to be read by people."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from protos.audience.v1 import models_pb2
from server.traffic import NO_LABEL

_HEADER = ("version", "state", "labels", "since (UTC)", "visitors", "")
_State = models_pb2.VersionState


def describe(state: models_pb2.ModelState) -> str:
    """The model's versions, a line each, and what else there is to know."""
    lines = [_HEADER, *(_row(version, state) for version in state.versions)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADER))]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "".join(f"{line}\n" for line in (state.model, *(f"  {line}" for line in (*table, *_notes(state)))))


def _row(version: models_pb2.VersionState, state: models_pb2.ModelState) -> Sequence[str]:
    since = (
        datetime.fromtimestamp(version.since_ms / 1e3, UTC).strftime("%Y-%m-%d %H:%M:%S") if version.since_ms else ""
    )
    name = _State.State.Name(version.state).removeprefix("STATE_").lower().replace("_", " ")
    labels = ", ".join([*version.labels, *(["(serves)"] if state.targets.get(NO_LABEL) == version.version else [])])
    return str(version.version), name, labels, since, f"{version.rows:,}", _line(version.reason)


def _notes(state: models_pb2.ModelState) -> Iterator[str]:
    policy = state.policy
    if policy.unloaded:
        yield "unloaded: no version is loaded, whatever has a label"
    if policy.split:
        yield "split: " + ", ".join(f"{share.label} {_percent(share.basis_points)}" for share in policy.split)
    if policy.HasField("shadow"):
        yield f"shadow: {policy.shadow.label}, of {_percent(policy.shadow.basis_points)} of the requests"
    if policy.HasField("holdout"):
        yield f"holdout: {_percent(policy.holdout.basis_points)} of the visitors"
    for version in state.versions:
        if version.new_features:
            yield f"version {version.version} has new features: {', '.join(version.new_features)}"
        if version.unapproved:
            yield f"version {version.version} {_line(version.unapproved)}"
    if state.bad_policy:
        yield f"policy refused: {_line(state.bad_policy)}"
    for worker, reason in sorted(state.behind.items()):
        yield f"worker {worker} is behind: {_line(reason)}"


def _line(text: str) -> str:
    """A text that may have several lines, in one."""
    return " ".join(text.split())


def _percent(basis_points: int) -> str:
    """Basis points, for people.

    >>> _percent(500), _percent(25)
    ('5 %', '0.25 %')
    """
    return f"{basis_points / 100:g} %"
