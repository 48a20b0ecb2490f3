"""python -m training COMMAND: models made from records, and what they say of everybody."""

import importlib
import sys
from collections.abc import Callable, Sequence

# What each command does, and the function that does it.
_COMMANDS = {
    "train": ("train what a configuration asks for, judge it, and publish it", "training.command:main"),
    "configurations": ("list the configurations that come with Audience", "training.command:list_configurations"),
    "check": ("read a configuration and its records, and say what is wrong with them", "training.check:main"),
    "requests": ("write real visitors as Score requests", "training.requests:main"),
    "score": ("run a version over everyone, and write who is in which audience", "training.base.command:main"),
    "report": ("write the report of a version", "training.report.command:main"),
    "approve": ("say that a version may take a label", "training.judging.command:main"),
    "import": ("publish a model that was made elsewhere", "training.imports.command:main"),
}
_BAD_USAGE = 2


def main(arguments: Sequence[str]) -> int:
    """Does what the first argument says; exit status 2 when there is no such command."""
    name, *others = arguments or ["--help"]
    if name in {"-h", "--help"}:
        sys.stdout.write(_help())
        return 0
    if name not in _COMMANDS:
        sys.stderr.write(f"{_help()}\nthere is no command {name!r}\n")
        return _BAD_USAGE
    module, function = _COMMANDS[name][1].split(":")
    do: Callable[[Sequence[str]], int] = getattr(importlib.import_module(module), function)
    return do(others)


def _help() -> str:
    lines = "".join(f"  {name:15} {what}\n" for name, (what, _) in _COMMANDS.items())
    return (
        f"usage: python -m training COMMAND ...\n\n{lines}\nEach command has a --help of its own.\n"
        "Example: python -m training train --config grocery --repository build/repository\n"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
