"""A reader of the Dockerfile, as far as ours goes: stages, their instructions and the words of each."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, field

from tests.house.project import ROOT


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction, such as the name COPY with the text "server/ server/"."""

    name: str
    text: str

    @property
    def words(self) -> list[str]:
        """The text in words: those of a JSON list (exec form), else those that a shell would make."""
        return [str(word) for word in json.loads(self.text)] if self.is_exec else shlex.split(self.text)

    @property
    def is_exec(self) -> bool:
        """Whether the text is a JSON list, which no shell will read."""
        return self.text.startswith("[")


@dataclass(frozen=True, slots=True)
class Stage:
    """What follows one FROM, up to the next; `base` is the text of that FROM."""

    base: str
    instructions: list[Instruction] = field(default_factory=list)

    def all(self, *names: str) -> list[Instruction]:
        """The instructions with one of these names, in their order."""
        return [one for one in self.instructions if one.name in names]

    @property
    def environment(self) -> dict[str, str]:
        """What ENV sets, as it is written."""
        pairs = (word.partition("=") for one in self.all("ENV") for word in one.words)
        return {name: value for name, _, value in pairs}


def read_stages(text: str) -> list[Stage]:
    """The stages of a Dockerfile; the first has what stands before any FROM, and an empty base."""
    lines = (line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
    stages = [Stage("")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        name, _, rest = line.strip().partition(" ")
        if name == "FROM":
            stages.append(Stage(rest.strip()))
        else:
            stages[-1].instructions.append(Instruction(name, rest.strip()))
    return stages


def our_stages() -> tuple[Stage, Stage]:
    """The stage that builds and the stage that runs."""
    _, builder, final = read_stages((ROOT / "Dockerfile").read_text())
    return builder, final
