"""What arguments of several commands have in common."""

import argparse
from datetime import UTC, datetime

from server.repository import is_model_name


def model_name(text: str) -> str:
    """The name of a model."""
    if not is_model_name(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no model name; needed is 1 to 64 of a-z, 0-9, - and _")
    return text


def natural(text: str) -> int:
    """A count or seed, from 0 to 4294967295."""
    if not text.isdecimal() or int(text) >= 1 << 32:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 to {(1 << 32) - 1}")
    return int(text)


def moment_ms(text: str) -> int:
    """A day or moment, in milliseconds since 1970; UTC unless it has an offset."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; needed is one such as 2017-12-01") from error
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
