import json
from typing import Any

import pytest
from google.protobuf import json_format

from protos.audience.v1 import bundle_pb2
from server.manifest import parse_manifest


def told(quantiles: Any, *, head: str = "heads") -> dict[str, Any]:
    """What a manifest says, with these quantiles in it."""
    return {"model": "shop", head: [{"name": "value"}, {"name": "buys", "distribution": {"quantiles": quantiles}}]}


def usual(text: str) -> bundle_pb2.Manifest:
    """What the library itself makes of it."""
    return json_format.Parse(text, bundle_pb2.Manifest(), ignore_unknown_fields=True)


@pytest.mark.parametrize(
    "content",
    [
        told([0, 0.1, 2.5, -1e-300, 3.4e38]),
        told([]),
        told(["NaN", "0.5", 1]),
        told(None),
        told([True, 1]),
        {"featureDistributions": [], "feature_distributions": []},
        told([0.5], head="from_the_future"),
        {"featureDistributions": [{"quantiles": [1, 2], "mean": 1.5}, {"mean": 2}, {"quantiles": [3]}]},
        {"feature_distributions": [{"quantiles": [1, 2]}]},
        {"from_the_future": {"quantiles": [1]}, "quantiles": [2], "schema": {"quantiles": [3]}},
        {"parity": {"largest_difference": {"buys": 0.5}}},
    ],
)
def test_manifest_is_what_the_library_reads(content: dict[str, Any]) -> None:
    """Whether numbers are plain or not, under either name of a field, and in fields that nobody knows."""
    text = json.dumps(content)
    assert parse_manifest(text.encode()) == usual(text) or "NaN" in text
    assert parse_manifest(text.encode()).SerializeToString() == usual(text).SerializeToString()


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(told([1e39])),
        json.dumps(told([0.5, None])),
        json.dumps(told([float("nan")])),
        json.dumps(told([float("inf")])),
        json.dumps(told([10**400])),
        json.dumps(told([["a"]])),
        json.dumps(told({"a": 1})),
        json.dumps(told([1])) + "}",
        '{"model": "shop", "model": "other"}',
        '{"feature_distributions": [{"quantiles": [1], "quantiles": [2]}]}',
        "[1]",
        "",
    ],
)
def test_what_the_library_refuses_is_refused(text: str) -> None:
    """Numbers that no float32 holds, and whatever else is none."""
    with pytest.raises((json_format.ParseError, ValueError)):
        usual(text)
    with pytest.raises((json_format.ParseError, ValueError)):
        parse_manifest(text.encode())


def test_other_bytes_are_refused() -> None:
    """Neither text that is not UTF-8, nor one that goes too deep."""
    with pytest.raises(UnicodeDecodeError):
        parse_manifest(b"\xff{}")
    with pytest.raises(RecursionError):
        parse_manifest(b"[" * 100_000)
