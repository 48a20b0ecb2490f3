"""A version's manifest, from its JSON."""

import json
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from google.protobuf import json_format
from google.protobuf.message import Message

from protos.audience.v1 import bundle_pb2

_NUMBERS: Final = "quantiles"  # nearly all of a manifest, of which json_format looks at each number by itself
_LARGEST: Final = float(np.finfo(np.float32).max)

Place = tuple[str | int, ...]


def parse_manifest(text: bytes) -> bundle_pb2.Manifest:
    """The message; fields that it does not know are passed over.

    What json_format makes of it, in a third of its time: long lists of plain numbers are put in as they are.

    Raises:
        ValueError: the text is no JSON object.
        json_format.ParseError: it is one of something else.
        RecursionError: it is too deep to be looked through.
    """
    content = json.loads(text.decode(), object_pairs_hook=_distinct)
    if not isinstance(content, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004  # as of a text that is no JSON
    taken = list(_take_numbers(content, ()))
    try:
        manifest = json_format.ParseDict(content, bundle_pb2.Manifest(), ignore_unknown_fields=True)
    except Exception as error:  # as the library's own Parse, since its errors share no narrower class
        raise json_format.ParseError(str(error)) from error
    for place, numbers in taken:
        distribution = _reached(manifest, place)
        if distribution is not None:
            distribution.quantiles.extend(numbers)
    return manifest


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"an object has {next(key for key in keys if keys.count(key) > 1)!r} twice")
    return content


def _take_numbers(content: Any, place: Place) -> Iterator[tuple[Place, list[float]]]:  # noqa: ANN401  # what json gives
    """Takes the lists of plain numbers out of all objects within; each with the place of its object."""
    if isinstance(content, dict):
        if _are_plain(content.get(_NUMBERS)):
            yield place, content.pop(_NUMBERS)
        for key, value in content.items():
            yield from _take_numbers(value, (*place, key))
    elif isinstance(content, list):
        for index, value in enumerate(content):
            yield from _take_numbers(value, (*place, index))


def _are_plain(values: Any) -> bool:  # noqa: ANN401  # likewise
    """Whether these are numbers, all of which a float32 can hold; on others json_format has its say."""
    if not isinstance(values, list) or not {float, int}.issuperset(map(type, values)):
        return False
    try:
        return not values or bool(np.abs(np.array(values, np.float64)).max() <= _LARGEST)
    except OverflowError:
        return False


def _reached(message: Any, place: Place) -> bundle_pb2.Distribution | None:  # noqa: ANN401  # any message, or a list
    """The distribution at a place of the JSON; None where the manifest has none."""
    for step in place:
        if isinstance(step, int):
            message = message[step]
        else:
            field = _field(message, step)
            if field is None:
                return None
            message = getattr(message, field.name)
    return message if isinstance(message, bundle_pb2.Distribution) else None


def _field(message: Message, name: str) -> Any:  # noqa: ANN401  # of the implementation of protobuf that is here
    """Of this name in JSON, or as the proto file has it; json_format reads both."""
    known: Any = message.DESCRIPTOR
    return known.fields_by_camelcase_name.get(name) or known.fields_by_name.get(name)
