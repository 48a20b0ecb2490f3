import io
import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server.logs import JsonFormatter, configure


class Lines:
    """A logger that keeps its lines."""

    def __init__(self) -> None:
        self.text = io.StringIO()
        handler = logging.StreamHandler(self.text)
        handler.setFormatter(JsonFormatter("worker 0"))
        self.log = logging.Logger("server.test")  # noqa: LOG001  # of its own, so that no other test hears it
        self.log.addHandler(handler)

    def read(self) -> dict[str, Any]:
        """The one line that was logged."""
        lines = self.text.getvalue().splitlines()
        assert len(lines) == 1
        line: dict[str, Any] = json.loads(lines[0])
        return line


@pytest.fixture
def lines() -> Lines:
    """Nothing logged yet."""
    return Lines()


@pytest.fixture
def root_logger() -> Iterator[logging.Logger]:
    """The root logger, put back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    root.handlers[:] = handlers
    root.setLevel(level)


def test_line(lines: Lines) -> None:
    """Time, level, process, logger and event, then what the caller added; nothing else."""
    record = logging.LogRecord("server.loader", logging.WARNING, "f.py", 1, "%s serves", ("shop",), None)
    record.created = 1_700_000_000.123
    record.version = 3
    assert json.loads(JsonFormatter("worker 0").format(record)) == {
        "time": "2023-11-14T22:13:20.123+00:00",
        "level": "warning",
        "process": "worker 0",
        "logger": "server.loader",
        "event": "shop serves",
        "version": 3,
    }


def test_line_is_one_line(lines: Lines) -> None:
    """Line feeds and control characters of a hostile text cannot make a line of their own."""
    lines.log.info("one\ntwo\r\u2028\x00", extra={"reason": '"}\n{"event": "forged"}'})
    assert lines.read()["event"] == "one\ntwo\r\u2028\x00"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, None),
        (1.5, 1.5),
        (Path("/repository"), "/repository"),
        (b"bytes", "b'bytes'"),
        ({"a": (1, 2)}, {"a": [1, 2]}),
        (frozenset({1}), "frozenset({1})"),
        (ValueError("why"), "why"),
        (logging.INFO, 20),
        ("\ud800", "\ud800"),
    ],
)
def test_odd_extras(lines: Lines, value: object, written: object) -> None:
    """Whatever a caller adds is written, as JSON or as its text."""
    lines.log.info("event", extra={"value": value})
    assert lines.read()["value"] == written


def test_traceback(lines: Lines) -> None:
    """An exception comes with its traceback, within the line."""
    try:
        int("nobody foresaw this")
    except ValueError:
        lines.log.exception("fault")
    assert lines.read()["level"] == "error"
    assert lines.read()["traceback"].startswith("Traceback")
    assert lines.read()["traceback"].endswith("'nobody foresaw this'")


def test_no_traceback_without_an_exception(lines: Lines) -> None:
    """Where nothing failed there is none."""
    lines.log.error("refused")
    assert "traceback" not in lines.read()


def test_configure(root_logger: logging.Logger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every logger writes JSON to standard error, from the level on that is asked for, in place of what was there."""
    text = io.StringIO()
    monkeypatch.setattr(sys, "stderr", text)
    configure("info", "control")
    configure("warning", "control")
    logging.getLogger("anyone").info("not seen")
    logging.getLogger("anyone").warning("seen")
    assert [json.loads(line)["event"] for line in text.getvalue().splitlines()] == ["seen"]
