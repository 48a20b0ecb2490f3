"""Versions of the shipped configurations, trained by the product's own pipeline, each once."""

import json
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from rich.console import Console

from training.configuration.configuration import find_configuration, read_configuration
from training.errors import NotTrained
from training.orders import read_orders
from training.pipeline import Order, Trained, stage_count, train
from training.stages import Steps


@dataclass(frozen=True)
class Version:
    """A version that was trained.

    Attributes:
        trained: what was published.
        seconds: that reading, fitting, judging and publishing took.
    """

    trained: Trained
    seconds: float

    @property
    def graph(self) -> bytes:
        """Its model.onnx."""
        return (self.trained.folder / "model.onnx").read_bytes()

    @cached_property
    def evaluation(self) -> Any:
        """Its evaluation.json."""
        return json.loads((self.trained.folder / "evaluation.json").read_text(encoding="utf-8"))


class Versions:
    """Trains configurations when they are asked for.

    Args:
        data: where their records are.
        work: an empty folder for what is made.
        console: where progress is shown.
    """

    def __init__(self, data: Path, work: Path, console: Console) -> None:
        self._data, self._work, self._console = data, work, console
        self._repository = work / "repository"
        self._made: dict[str, Version | NotTrained] = {}

    def of(self, name: str) -> Version:
        """The version of the shipped configuration of this name.

        Raises:
            NotTrained: the text says why, such as a file of records that is missing.
        """
        if name not in self._made:
            self._made[name] = self._train(name)
        made = self._made[name]
        if isinstance(made, NotTrained):
            raise made
        return made

    def _train(self, name: str) -> Version | NotTrained:
        started_s = time.perf_counter()
        self._repository.mkdir(parents=True, exist_ok=True)
        try:
            file = find_configuration(name)
            steps = Steps(self._console, stage_count(read_orders(read_configuration(file))))
            with steps.shown():
                trained = train(self._order(file, name), steps)
        except NotTrained as error:
            return error
        return Version(trained, time.perf_counter() - started_s)

    def _order(self, file: Path, name: str) -> Order:
        return Order(
            configuration=file,
            data=self._data,
            repository=self._repository,
            model=None,
            until_ms=None,
            without=frozenset(),
            names={},
            seed=None,
            signing_key=None,
            work=self._work / name,
            is_resumed=False,
        )
