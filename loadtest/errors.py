"""What keeps a run from being made. Each text is one line for the person who started it."""


class LoadtestError(Exception):
    """The run, or the report, could not be made."""


class BadArgument(LoadtestError):
    """An option says something impossible."""


class BadObjective(LoadtestError):
    """A service-level objective does not parse."""


class BadPayloads(LoadtestError):
    """The bundle or the file of requests cannot be read."""


class NoAnswer(LoadtestError):
    """A connection was not answered, or not rightly, before the run."""


class LostProcess(LoadtestError):
    """One of several processes ended without its results."""


class BadRecording(LoadtestError):
    """A recorded run cannot be read or written."""


def one_line(text: object) -> str:
    """The text without line breaks, for an error that must fit on one line."""
    return " ".join(str(text).split())
